"""A suite is mirrored as it is signed: what its Release names, each package that is listed, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from aiohttp import ClientSession

from entrepot.plugin import ConfigurationError, EntrepotError
from entrepot.testing import served, sync

Open = Callable[..., AbstractContextManager[Any]]


def paths(depot: Any, number: int = 1) -> set[str]:
    """Every path that a version has an artifact at."""
    found: set[str] = set()
    folders = [""]
    while folders:
        folder = folders.pop()
        for name in depot.catalog.reader.children("tools", number, folder):
            (folders.append if name.endswith("/") else found.add)(folder + name)
    return found


def body(depot: Any, path: str, number: int = 1) -> bytes | None:
    """What storage holds for a path; None where it holds nothing."""
    (found,) = depot.catalog.reader.locate("tools", number, path)
    if found.artifact is None:
        return None
    with depot.storage.open(found.artifact.sha256) as file:
        return bytes(file.read())


@pytest.mark.promise("P02")
@pytest.mark.parametrize("policy", ["immediate", "on_demand"])
async def test_all_that_the_archive_has_is_there_byte_for_byte(archive: Any, open_depot: Open, policy: str) -> None:
    """What clients read first is held at once, packages where the policy says so; the rest is fetched."""
    archive.add_source("hello", "1.0")
    archive.publish()

    with open_depot({"sources": True}, policy=policy) as depot:
        await sync(depot, "tools")

        assert paths(depot) == set(archive.served)
        held = {path for path in archive.served if body(depot, path) is not None}
        assert {"dists/stable/InRelease", "dists/stable/Release", "dists/stable/Release.gpg"} <= held
        pool = {path for path in archive.served if path.startswith("pool/")}
        assert held & pool == (pool if policy == "immediate" else set())
        async with served(depot) as address, ClientSession() as client:
            for path, expected in archive.served.items():
                async with client.get(f"{address}/tools/{path}") as answer:
                    assert (answer.status, await answer.read()) == (200, expected)


@pytest.mark.promise("P07")
async def test_a_suite_that_did_not_change_is_one_signed_file(archive: Any, open_depot: Open) -> None:
    """Its lists of packages are known by their digests and not asked for; a list that changed is read alone."""
    archive.publish()
    with open_depot() as depot:
        await sync(depot, "tools")
        archive.origin.requests.clear()

        unchanged = await sync(depot, "tools")

        asked = [request.path.rpartition("/")[2] for request in archive.origin.requests]
        assert asked == ["InRelease", "Release", "Release.gpg"]
        assert unchanged.version is None
        archive.add("more", "2", component="extra")
        archive.moment = archive.moment.replace(hour=13)
        archive.publish()
        archive.origin.requests.clear()

        await sync(depot, "tools")

        asked_for = [request.path for request in archive.origin.requests]
        lists = [path for path in asked_for if "/by-hash/" in path]
        assert lists
        assert all("/extra/" in path for path in lists)
        assert [path for path in asked_for if "/pool/" in path] == ["/debian/pool/extra/more/more_2_amd64.deb"]
        assert set(archive.served) <= paths(depot, 2)


async def test_what_the_archive_has_no_more_goes_with_the_next_version(archive: Any, open_depot: Open) -> None:
    """An earlier version keeps it, lists and all."""
    archive.publish()
    before = set(archive.served)
    with open_depot() as depot:
        await sync(depot, "tools")
        del archive.lists["main", "amd64"]["pool/main/world/world_2.0-1_amd64.deb"]
        del archive.pool["pool/main/world/world_2.0-1_amd64.deb"]
        archive.moment = archive.moment.replace(hour=13)
        archive.publish()

        await sync(depot, "tools")

        assert paths(depot, 1) == before
        assert paths(depot, 2) == set(archive.served)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"components": ["extra"]}, {"extra/amd64"}),
        ({"architectures": ["arm64"]}, {"main/arm64"}),
        ({"components": ["main"], "architectures": ["amd64"]}, {"main/amd64"}),
    ],
)
async def test_components_and_architectures_are_chosen(
    archive: Any, open_depot: Open, options: dict[str, Any], expected: set[str]
) -> None:
    """What is not chosen is not asked for; the Release goes on naming it, as it is signed."""
    archive.publish()

    with open_depot(options) as depot:
        await sync(depot, "tools")

        lists = {
            path.split("/")[2] + "/" + path.split("/")[3].removeprefix("binary-")
            for path in paths(depot)
            if path.endswith("/Packages.xz")
        }
        assert lists == expected


async def test_further_files_are_mirrored_when_asked_for(archive: Any, open_depot: Open) -> None:
    """Translations, lists of contents and what software centres show; else they are left where they are."""
    further = {
        "main/i18n/Translation-de.xz": b"a",
        "main/Contents-amd64.gz": b"b",
        "main/dep11/icons-64x64.tar.gz": b"c",
    }
    archive.more = dict(further)
    archive.publish()

    with open_depot() as depot:
        await sync(depot, "tools")
        assert not {f"dists/stable/{path}" for path in further} & paths(depot)
    with open_depot({"translations": True, "contents": True, "dep11": True}) as depot:
        await sync(depot, "tools")
        number = depot.catalog.reader.version("tools").number
        found = {path: body(depot, f"dists/stable/{path}", number) for path in further}
    assert found == further


@pytest.mark.parametrize("asked", [{"components": ["mian"]}, {"architectures": ["amd46"]}])
async def test_what_a_suite_does_not_have_is_not_asked_for_in_vain(
    archive: Any, open_depot: Open, asked: dict[str, Any]
) -> None:
    """A misspelt name would be empty for ever: the error says what there is."""
    archive.publish()

    with open_depot(asked) as depot, pytest.raises(ConfigurationError, match="there is no") as caught:
        await sync(depot, "tools")

    assert "it has: " in caught.value.remedy


@pytest.mark.parametrize(
    "options",
    [
        {"suites": []},
        {"suites": ["../"]},
        {"suites": ["../stable"]},
        {"keyring": "archive.gpg"},
        {"keyring": None},
        {"keyring": "/nowhere/archive.gpg"},
    ],
)
async def test_options_that_cannot_be_meant_are_refused(
    archive: Any, open_depot: Open, options: dict[str, Any]
) -> None:
    """Before anything is asked for."""
    with open_depot(options) as depot, pytest.raises(EntrepotError) as caught:
        await sync(depot, "tools")

    assert caught.value.remedy
    assert archive.origin.requests == []


async def test_an_archive_without_signatures_is_taken_when_the_operator_says_so(archive: Any, open_depot: Open) -> None:
    """Its text is taken as it comes; nobody vouches for it."""
    archive.publish()

    with open_depot({"keyring": None, "unsigned": "allow"}) as depot:
        await sync(depot, "tools")

        assert paths(depot) == set(archive.served)

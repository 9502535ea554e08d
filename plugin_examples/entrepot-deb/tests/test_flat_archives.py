"""Archives without dists/ and pool/, and lists that are packed in any way."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from entrepot.plugin import ConfigurationError, EntrepotError, ImportContext, InvalidMetadata, InvalidPath
from entrepot.testing import depot, served, sync
from entrepot_deb import plugin
from entrepot_deb.apt_sources import import_apt_sources
from entrepot_deb.choice import parts_of
from entrepot_deb.layout import folder_of
from entrepot_deb.options import DebOptions, check_options
from entrepot_deb.release import read_release

Open = Callable[..., AbstractContextManager[Any]]


async def missing(depot: Any, files: dict[str, bytes], name: str = "tools") -> set[str]:
    """Which of an archive's files are not answered for as they are."""
    wrong = set()
    async with served(depot) as address, ClientSession() as client:
        for path, expected in files.items():
            async with client.get(f"{address}/{name}/{path}") as answer:
                if (answer.status, await answer.read()) != (200, expected):
                    wrong.add(path)
    return wrong


@pytest.mark.promise("P02")
@pytest.mark.parametrize("policy", ["immediate", "on_demand"])
@pytest.mark.parametrize(("suite", "folder"), [("./", ""), ("/", ""), ("x/amd64/", "x/amd64/"), ("./x/", "x/")])
async def test_a_flat_archive_is_mirrored_as_it_is(
    flat: Any, open_depot: Open, suite: str, folder: str, policy: str
) -> None:
    """Its lists, its packages and its sources stand where they stood, signed as they were."""
    flat.folder = folder
    flat.publish(".gz", by_hash=True)

    with open_depot({"suites": [suite], "sources": True}, policy=policy) as made:
        done = await sync(made, "tools")

        assert done.added == 6
        assert await missing(made, flat.files) == set()


async def test_sources_of_a_flat_archive_are_an_option(flat: Any, open_depot: Open) -> None:
    """As they are of others; architectures and components are not asked for: there is one list."""
    flat.publish(".gz")

    with open_depot({"suites": ["./"], "architectures": ["arm64"], "components": ["none"]}) as made:
        await sync(made, "tools")

        left_out = await missing(made, flat.files)
        assert left_out == {"Sources.gz", "hello_1.0.dsc", "hello_1.0.tar.xz"}


async def test_a_flat_archive_that_did_not_change_is_not_read_again(flat: Any, open_depot: Open) -> None:
    """And one that did is read anew; what it has no more goes."""
    flat.publish(".gz")
    with open_depot({"suites": ["./"]}) as made:
        await sync(made, "tools")
        before = len(flat.archive.origin.requests)

        again = await sync(made, "tools")
        asked = {request.path.rpartition("/")[2] for request in flat.archive.origin.requests[before:]}
        flat.archive.add("hello", "1.1")
        flat.archive.moment = flat.archive.moment.replace(hour=13)
        flat.publish(".gz")
        changed = await sync(made, "tools")

    assert again.version is None
    assert changed.version is not None
    assert asked == {"InRelease", "Release", "Release.gpg"}


@pytest.mark.fault("B17")
async def test_a_flat_archive_of_somebody_else_is_refused(flat: Any, open_depot: Open) -> None:
    """Nothing but its signed file was asked for."""
    flat.publish(".gz")
    key = flat.archive.key
    with open_depot({"suites": ["./"]}) as made:
        flat.archive.key = type(key).generate(user_id="somebody")
        flat.publish(".gz")

        with pytest.raises((EntrepotError, ExceptionGroup)):
            await sync(made, "tools")

    assert {request.path.rpartition("/")[2] for request in flat.archive.origin.requests} == {"InRelease"}


async def test_a_list_that_was_changed_is_refused(flat: Any, open_depot: Open) -> None:
    """Its digest stands in what was signed."""
    flat.publish(".gz")
    flat.archive.origin.put("/debian/Packages.gz", flat.files["Packages.gz"][:-1] + b"x")

    with open_depot({"suites": ["./"]}) as made, pytest.raises((EntrepotError, ExceptionGroup)):
        await sync(made, "tools")


async def test_a_flat_archive_without_lists_is_refused(flat: Any, open_depot: Open) -> None:
    """A folder above or below the right one would be an empty mirror for ever."""
    flat.archive.sign(flat.archive.release({"other": b"x"}))
    for name in ("InRelease", "Release", "Release.gpg"):
        flat.archive.origin.put(f"/debian/{name}", flat.archive.served[f"dists/stable/{name}"])

    with open_depot({"suites": ["./"]}) as made, pytest.raises(EntrepotError, match="lists no Packages"):
        await sync(made, "tools")


@pytest.mark.fault("C05")
@pytest.mark.parametrize("suite", ["../", "./../", "x/../", "/etc/", "x//", "a\\b/", "./x/./", "\x00/", "//"])
def test_a_folder_that_is_elsewhere_is_refused(suite: str) -> None:
    """Before anything is asked for."""
    with pytest.raises(InvalidPath):
        folder_of(suite)


def test_lists_of_a_flat_archive_are_not_written_anew(tmp_path: Path) -> None:
    """What would be signed anew has dists/ and pool/."""
    options = DebOptions(
        suites=("./",), keyring=tmp_path / "k", publish="signed", signing_key=tmp_path / "s", packages=("hello",)
    )

    with pytest.raises(ConfigurationError, match="flat archive"):
        check_options(options)


@pytest.mark.parametrize("end", [".xz", ".gz", ".bz2", ".lzma", ".zst", ""])
async def test_a_list_is_read_however_it_is_packed(flat: Any, open_depot: Open, end: str) -> None:
    """Also where there is no other form of it."""
    flat.publish(end)

    with open_depot({"suites": ["./"], "sources": True}) as made:
        done = await sync(made, "tools")

        assert done.added == 6
        assert await missing(made, flat.files) == set()


FORMS = {
    "the smallest that is packed": ({".xz": 90, ".gz": 100, ".bz2": 80, "": 10}, ".bz2"),
    "what needs no library of its own": ({".zst": 10, ".gz": 100, "": 5}, ".gz"),
    "zstd before a plain one, which archives list and do not have": ({".zst": 10, "": 0}, ".zst"),
    "a plain one alone": ({"": 100}, ""),
    "not one of an unknown form": ({".br": 1, ".lzma": 100}, ".lzma"),
}


@pytest.mark.parametrize(("sizes", "read"), FORMS.values(), ids=FORMS.keys())
@pytest.mark.parametrize(("suite", "folder"), [("./", ""), ("stable", "main/binary-amd64/")])
def test_one_form_of_a_list_is_read(suite: str, folder: str, sizes: dict[str, int], read: str) -> None:
    """In both kinds of archives."""
    lines = "".join(f" {'0' * 64} {size} {folder}Packages{end}\n" for end, size in sizes.items())
    text = f"Date: Fri, 02 Jan 2026 12:00:00 GMT\nArchitectures: amd64\nComponents: main\nSHA256:\n{lines}"
    release = read_release(text.encode(), what="Release")

    (part,) = parts_of(release, DebOptions(suites=(suite,)), suite)

    assert part.read.path == f"{folder}Packages{read}"


async def test_a_list_of_nothing_is_read_packed(archive: Any, open_depot: Open) -> None:
    """A plain list of nothing is the smallest form of it, and archives list it and do not have it."""
    archive.lists["main", "arm64"] = {}
    archive.publish()

    with open_depot({"architectures": ["amd64", "arm64"], "components": ["main"]}) as made:
        done = await sync(made, "tools")

    assert done.failed == 0


async def test_what_apt_is_configured_with_is_what_is_mirrored(flat: Any, tmp_path: Path) -> None:
    """From a line of sources to a mirror that answers for all of it."""
    flat.publish(".gz")
    line = f"[signed-by={flat.archive.keyring(tmp_path)}] {flat.archive.origin.url('/debian')} ./"
    (tmp_path / "sources.list").write_text(f"deb {line}\ndeb-src {line}\n")

    context = ImportContext(given=str(tmp_path / "sources.list"), environ={}, folder=tmp_path)
    (one,) = import_apt_sources(context)
    tables = {"flat": {"type": "deb", "url": one.url, "options": one.options, "allow_private": True}}
    clock = flat.archive.moment.timestamp
    with depot(tmp_path / "depot", tables, plugins=[("deb", plugin)], installed=False, clock=clock) as made:
        await sync(made, "flat")

        assert await missing(made, flat.files, "flat") == set()


def test_a_flat_release_that_lists_nothing_to_read_is_told() -> None:
    """With what to look at."""
    release = read_release(b"Date: Fri, 02 Jan 2026 12:00:00 GMT\nSHA256:\n", what="Release")

    with pytest.raises(InvalidMetadata) as caught:
        parts_of(release, DebOptions(suites=("./",)), "./")

    assert "suites" in caught.value.remedy

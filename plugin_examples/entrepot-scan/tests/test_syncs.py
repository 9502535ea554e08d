"""Whole syncs of plain files on loopback, past the scanner."""

from __future__ import annotations

import hashlib
import json
import stat
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

import entrepot_file.plugin
import entrepot_scan.plugin
from entrepot.plugin import ConfigurationError, EntrepotError
from entrepot.testing import BadOrigin, depot, sync

BODIES = {"a": b"fine", "large": b"fine" * 50_000, "bad": b"EICAR", "z": b"fine too"}
Open = Callable[..., AbstractContextManager[Any]]


def serve(origin: BadOrigin, bodies: dict[str, bytes]) -> None:
    """Serve files and a list of them."""
    for name, body in bodies.items():
        origin.put(f"/{name}", body)
    lines = [f"{name},{hashlib.sha256(body).hexdigest()},{len(body)}\n" for name, body in bodies.items()]
    origin.put("/PULP_MANIFEST", "".join(lines).encode())


@pytest.fixture
async def origin() -> AsyncIterator[BadOrigin]:
    """An upstream with four files, one of them bad."""
    async with BadOrigin() as origin:
        serve(origin, BODIES)
        yield origin


@pytest.fixture
def open_depot(tmp_path: Path, origin: BadOrigin, scanner: Any) -> Open:
    """Open the depot with one repository; arguments are what it says to the plugin, and keys of its table."""

    def opened(*places: str, table: dict[str, Any] | None = None, **said: Any) -> AbstractContextManager[Any]:
        said = {"command": list(scanner.command(*places)), **said}
        files = {"type": "file", "url": origin.url("/PULP_MANIFEST"), "allow_private": True, "retries": 0}
        plugins = [("file", entrepot_file.plugin), ("scan", entrepot_scan.plugin)]
        repositories = {"files": {**files, "plugins": {"scan": said}, **(table or {})}}
        return depot(tmp_path / "depot", repositories, plugins=plugins, installed=False)

    return opened


def names(opened: Any, number: int = 1) -> list[str]:
    """The files that a version has."""
    return [json.loads(row.key)[1] for row in opened.catalog.reader.members("files", number, limit=100)]


@pytest.mark.parametrize("place", ["{path}", "{paths}", ""])
async def test_what_the_scanner_objects_to_never_reaches_storage(open_depot: Open, scanner: Any, place: str) -> None:
    """All else is mirrored; one file at a time, many at a time, or on standard input; `why` has the words."""
    with open_depot(*[place] if place else []) as opened:
        outcome = await sync(opened, "files")
        (told,) = opened.catalog.reader.refusals("files", 1)

        assert names(opened) == ["a", "large", "z"]
        assert opened.catalog.reader.locate("files", 1, "bad") == []
        assert not opened.storage.holds(hashlib.sha256(BODIES["bad"]).digest())

    assert (outcome.refused, outcome.failed) == (1, 0)
    assert (told.rule, told.plugin) == ("infected", "scan")
    assert "'bad': the scanner ended with 1 and said '" in told.reason
    assert "Eicar FOUND" in told.reason
    assert len(told.reason) < 500
    assert 4 <= sum(scanner.scans()) <= (12 if place == "{paths}" else 4)


async def test_what_the_depot_holds_is_not_scanned_again(open_depot: Open, origin: BadOrigin, scanner: Any) -> None:
    """A longer list costs a scan of what is new; what was refused is asked for, and refused, again."""
    with open_depot("{path}") as opened:
        await sync(opened, "files")
        before = len(scanner.scans())
        serve(origin, {**BODIES, "new": b"new"})
        outcome = await sync(opened, "files")

        assert names(opened, 2) == ["a", "large", "new", "z"]
    assert outcome.refused == 1
    assert len(scanner.scans()) - before == 2


async def test_a_quarantine_keeps_the_file_and_what_is_known_of_it(open_depot: Open, tmp_path: Path) -> None:
    """Readable by its owner alone."""
    folder = tmp_path / "quarantine"
    with open_depot("{path}", quarantine=str(folder)) as opened:
        await sync(opened, "files")
        (told,) = opened.catalog.reader.refusals("files", 1)

    name = hashlib.sha256(BODIES["bad"]).hexdigest()
    note = json.loads((folder / f"{name}.json").read_bytes())
    assert (folder / name).read_bytes() == BODIES["bad"]
    assert sorted(file.name for file in folder.iterdir()) == [name, f"{name}.json"]
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert (note["path"], note["status"], note["size"], note["sha256"]) == ("bad", 1, 5, name)
    assert note["url"].endswith("/bad")
    assert told.reason.endswith(f"; kept as {folder / name}")


@pytest.mark.parametrize(("most", "blocked"), [(0, False), (100, True)])
async def test_what_cannot_be_kept_is_refused_all_the_same(
    open_depot: Open, tmp_path: Path, most: int, blocked: bool
) -> None:
    """Where the quarantine is full, or is no folder."""
    folder = tmp_path / "quarantine"
    if blocked:
        folder.write_text("in the way")
    with open_depot("{path}", quarantine=str(folder), quarantine_files=most) as opened:
        await sync(opened, "files")
        (told,) = opened.catalog.reader.refusals("files", 1)

        assert names(opened) == ["a", "large", "z"]
    assert "not kept" in told.reason


async def test_a_scanner_that_fails_lets_nothing_through(open_depot: Open, origin: BadOrigin) -> None:
    """A status that is neither clean nor a find ends the sync, as a failed unit does; or skips that file."""
    serve(origin, {"a": b"fine", "broken": b"BROKEN"})
    with open_depot("{paths}") as opened, pytest.raises(EntrepotError, match="ended with 2"):
        await sync(opened, "files")

    with open_depot("{paths}", table={"on_error": "skip"}) as opened:
        outcome = await sync(opened, "files")

        assert names(opened) == ["a"]
    assert outcome.failed == 1


async def test_what_is_too_large_to_scan_is_refused(open_depot: Open, scanner: Any) -> None:
    """A limit of the scanner's own would call it clean."""
    with open_depot("{path}", max_size=1000) as opened:
        await sync(opened, "files")

        assert names(opened) == ["a", "z"]
        rules = {row.rule for row in opened.catalog.reader.refusals("files", 1)}
    assert rules == {"infected", "too-large-to-scan"}
    assert len(scanner.scans()) == 3


@pytest.mark.parametrize("policy", ["on_demand", "streamed"])
async def test_files_that_come_later_are_not_served_unscanned_unless_that_is_wanted(
    open_depot: Open, origin: BadOrigin, scanner: Any, policy: str
) -> None:
    """The sync does not begin, and says what to write."""
    with open_depot("{path}", table={"policy": policy}) as opened:
        with pytest.raises(ConfigurationError, match="nobody scans them") as caught:
            await sync(opened, "files")
        assert origin.requests == []
    assert "allow_unscanned = true" in caught.value.remedy

    with open_depot("{path}", table={"policy": policy}, allow_unscanned=True) as opened:
        await sync(opened, "files")

        assert names(opened) == ["a", "bad", "large", "z"]
    assert scanner.scans() == []


async def test_a_scanner_that_is_not_installed_is_told_before_the_first_request(
    open_depot: Open, origin: BadOrigin
) -> None:
    """By its name, with the repository."""
    with open_depot(command=["no-such-scanner", "{path}"]) as opened, pytest.raises(ConfigurationError) as caught:
        await sync(opened, "files")

    assert "'no-such-scanner'" in caught.value.what
    assert "repository 'files'" in caught.value.where
    assert origin.requests == []


async def test_a_repository_that_names_no_scanner_is_left_alone(open_depot: Open) -> None:
    """Installing the plugin changes no mirror."""
    with open_depot(command=[]) as opened:
        await sync(opened, "files")

        assert names(opened) == ["a", "bad", "large", "z"]

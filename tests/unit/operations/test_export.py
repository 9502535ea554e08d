"""Exports of a depot: whole trees, links to its storage, and what is fetched for them."""

from __future__ import annotations

import asyncio
import itertools
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest

import firmware_plugin
from entrepot.errors import DepotError, IntegrityError
from entrepot.operations.export import Exported, export, file_name
from entrepot.operations.prune import prune
from entrepot.operations.reference import Reference
from entrepot.testing import depot, sync
from shell import Feed

PLUGINS = [("firmware", firmware_plugin)]


@pytest.fixture
def feed(tmp_path: Path) -> Feed:
    """An upstream with two images."""
    made = Feed(tmp_path / "upstream")
    made.offer({"alpha": "one", "beta": "two"})
    return made


def table(feed: Feed, **more: object) -> dict[str, dict[str, object]]:
    return {"tools": {"type": "firmware", "url": feed.url, **more}}


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("path", "media_type", "names"),
    [
        ("simple/app/", "text/html", ("simple/app/index.html", "")),
        ("simple/app/", "application/vnd.vendor.simple.v1+html", ("simple/app/index.html", "")),
        ("simple/app/", "application/vnd.vendor.simple.v1+json", ("simple/app/index.json", "")),
        ("feed", "application/json; charset=utf-8", ("feed", "feed.json")),
        ("pool/a.deb", None, ("pool/a.deb", "")),
    ],
)
def test_files_are_named_by_path_and_media_type(path: str, media_type: str | None, names: tuple[str, str]) -> None:
    """What answers for a folder is its index; all else keeps its path while that is free."""
    assert file_name(path, media_type) == names


async def test_stored_files_are_linked_and_pages_are_written(tmp_path: Path, feed: Feed) -> None:
    """A link shares its inode with the storage, a copy does not, and both have the bytes."""
    with depot(tmp_path / "depot", table(feed), plugins=PLUGINS, installed=False) as opened:
        await sync(opened, "tools")
        linked = await export(opened, Reference("tools"), tmp_path / "site")
        inodes = {path.stat().st_ino for path in (tmp_path / "site").rglob("*.bin")}
        copied = await export(opened, Reference("tools"), tmp_path / "site", copy=True)
        others = {path.stat().st_ino for path in (tmp_path / "site").rglob("*.bin")}
        stored = {path.stat().st_ino for path in (tmp_path / "depot").rglob("sha256/??/*")}

    assert (linked.linked, linked.copied, linked.written) == (2, 0, 1)
    assert (copied.linked, copied.copied, copied.written) == (0, 2, 1)
    assert inodes <= stored
    assert not others & stored
    assert (tmp_path / "site" / "feed.json").is_file()


async def test_a_version_is_exported_as_it_was(tmp_path: Path, feed: Feed) -> None:
    """Whatever came later."""
    with depot(tmp_path / "depot", table(feed), plugins=PLUGINS, installed=False) as opened:
        await sync(opened, "tools")
        feed.offer({"alpha": "one", "beta": "two", "gamma": "three"})
        await sync(opened, "tools")
        await export(opened, Reference("tools", 1), tmp_path / "first")
        await export(opened, Reference("tools"), tmp_path / "latest")

    assert len(files(tmp_path / "first")) == 3
    assert len(files(tmp_path / "latest")) == 4


async def test_what_was_never_fetched_is_fetched_left_out_or_refused(tmp_path: Path, feed: Feed) -> None:
    """As it is asked; what was fetched is kept, so the next export links it."""
    with depot(tmp_path / "depot", table(feed, policy="on_demand"), plugins=PLUGINS, installed=False) as opened:
        await sync(opened, "tools")
        with pytest.raises(DepotError, match="never fetched"):
            await export(opened, Reference("tools"), tmp_path / "failed", missing="fail")
        skipped = await export(opened, Reference("tools"), tmp_path / "skipped", missing="skip")
        fetched = await export(opened, Reference("tools"), tmp_path / "fetched")
        again = await export(opened, Reference("tools"), tmp_path / "fetched", missing="fail")

    assert not (tmp_path / "failed").exists()
    assert (skipped.skipped, skipped.files) == (2, 1)
    assert (fetched.fetched, fetched.linked, fetched.files) == (2, 2, 3)
    assert (again.fetched, again.linked) == (0, 2)


async def test_what_is_streamed_is_not_kept(tmp_path: Path, feed: Feed) -> None:
    """The tree has it, and the storage does not."""
    with depot(tmp_path / "depot", table(feed, policy="streamed"), plugins=PLUGINS, installed=False) as opened:
        await sync(opened, "tools")
        done = await export(opened, Reference("tools"), tmp_path / "site")

    assert (done.fetched, done.copied, done.files) == (2, 2, 3)
    assert not list((tmp_path / "depot").rglob("sha256/??/*"))


async def test_damaged_bytes_end_an_export(tmp_path: Path, feed: Feed) -> None:
    """A file of another size is not handed on, and the tree before stays."""
    with depot(tmp_path / "depot", table(feed), plugins=PLUGINS, installed=False) as opened:
        await sync(opened, "tools")
        await export(opened, Reference("tools"), tmp_path / "site", copy=True)
        damaged, *_ = (tmp_path / "depot").rglob("sha256/??/*")
        damaged.chmod(0o644)
        damaged.write_bytes(b"longer than it was")
        with pytest.raises(IntegrityError, match="gone or damaged"):
            await export(opened, Reference("tools"), tmp_path / "site")

    assert len(files(tmp_path / "site")) == 3


async def test_a_cancelled_export_leaves_the_directory_as_it_was(tmp_path: Path, feed: Feed) -> None:
    """And nothing of what was begun; the next one is not in anybody's way."""
    with depot(tmp_path / "depot", table(feed), plugins=PLUGINS, installed=False) as opened:
        await sync(opened, "tools")

        def cancel(_: Exported) -> None:
            exporting.cancel()

        exporting = asyncio.ensure_future(export(opened, Reference("tools"), tmp_path / "site", progress=cancel))
        with pytest.raises(asyncio.CancelledError):
            await exporting
        left = list((tmp_path / ".site.entrepot").glob("tree-*"))
        await export(opened, Reference("tools"), tmp_path / "site")

    assert left == []
    assert len(files(tmp_path / "site")) == 3


async def test_what_takes_long_is_not_done_on_the_loop(
    tmp_path: Path, feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is synced, and trees are removed, by threads: a loop that is held ends the process."""
    threads: list[threading.Thread] = []
    monkeypatch.setattr("os.sync", lambda: threads.append(threading.current_thread()))
    remove = shutil.rmtree

    def noted(path: str | Path, **how: Any) -> None:
        if "tree-" in str(path):
            threads.append(threading.current_thread())
        remove(path, **how)

    monkeypatch.setattr("shutil.rmtree", noted)
    with depot(tmp_path / "depot", table(feed), plugins=PLUGINS, installed=False) as opened:
        await sync(opened, "tools")
        await export(opened, Reference("tools"), tmp_path / "site")
        threads.clear()
        await export(opened, Reference("tools"), tmp_path / "site")

    assert len(threads) == 2
    assert threading.current_thread() not in threads


@pytest.mark.parametrize(("number", "after"), [(1, 1), (1, 2), (2, 1)])
async def test_a_prune_beside_it_takes_nothing_that_stays_and_ends_what_goes(
    tmp_path: Path, feed: Feed, number: int, after: int
) -> None:
    """The version that stays is whole; the one that goes is told to be gone, and shows nothing."""
    with depot(tmp_path / "depot", table(feed), plugins=PLUGINS, installed=False) as opened:
        await sync(opened, "tools")
        feed.offer({"alpha": "changed", "beta": "two"})
        await sync(opened, "tools")
        pruned: list[int] = []
        pages = itertools.count(1)

        def beside(_: Exported) -> None:
            if next(pages) == after:
                pruned.extend(prune(opened, ["tools"], keep=1, patience=0).versions["tools"])

        exporting = asyncio.ensure_future(
            export(opened, Reference("tools", number), tmp_path / "site", progress=beside)
        )
        (outcome,) = await asyncio.gather(exporting, return_exceptions=True)

    assert pruned == [1]
    if number == 1:
        assert isinstance(outcome, Exception)
        assert "was pruned" in str(outcome)
        assert not (tmp_path / "site").exists()
    else:
        assert isinstance(outcome, Exported)
        assert len(files(tmp_path / "site")) == 3

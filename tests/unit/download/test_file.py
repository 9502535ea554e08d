"""Folders of this machine are upstreams like any other."""

from __future__ import annotations

import asyncio
import hashlib
import os
from pathlib import Path

import pytest

from entrepot.download.errors import Absent, AccessDenied, TooLarge, UnusableUrl
from entrepot.download.file import path_of
from entrepot.errors import DigestMismatch, SizeMismatch
from entrepot.model.artifact import Artifact
from entrepot.model.downloading import Download, Validator
from entrepot.model.remote import Politeness, Remote
from unit.download.desk import Desk


@pytest.fixture
def upstream(tmp_path: Path) -> Path:
    """A folder that somebody else fills."""
    folder = tmp_path / "upstream"
    folder.mkdir()
    return folder


async def read(
    desk: Desk, path: Path | str, artifact: Artifact | None = None, *, validator: Validator | None = None, **limits: int
) -> Download:
    """Download a file by its path or URL."""
    url = path.as_uri() if isinstance(path, Path) else path
    remote = Remote("file:///", politeness=Politeness(retries=0, **limits))
    return await desk.downloads.downloader(
        remote, url, receiver=desk.receiver, artifact=artifact, validator=validator
    ).run()


@pytest.mark.parametrize("size", [0, 1, 64 * 1024, 64 * 1024 + 1, 10_000_000])
async def test_a_file_is_read_whole(desk: Desk, upstream: Path, size: int) -> None:
    """In place when it is small, in a thread when it is not."""
    body = os.urandom(size)
    (upstream / "file").write_bytes(body)

    result = await read(desk, upstream / "file", Artifact(sha256=hashlib.sha256(body).hexdigest(), size=size))

    assert result.path.read_bytes() == body
    assert (desk.downloads.files, desk.downloads.bytes) == (1, size)


@pytest.mark.parametrize("name", ["a b", "ä", "100%", "a%2Fb", "#", "?", "+", "\udcff"])
async def test_a_name_is_percent_decoded(desk: Desk, upstream: Path, name: str) -> None:
    """Once, and to bytes: names need not be text."""
    (upstream / name).write_bytes(b"x")

    assert (await read(desk, upstream / name)).size == 1


async def test_an_unchanged_file_is_not_read_again(desk: Desk, upstream: Path) -> None:
    """Its time, size and inode tell."""
    file = upstream / "feed"
    file.write_bytes(b"one")
    first = await read(desk, file)

    same = await read(desk, file, validator=first.validator)
    file.write_bytes(b"two")
    os.utime(file, ns=(1, 1))
    changed = await read(desk, file, validator=first.validator)

    assert (same.not_modified, same.size) == (True, 0)
    assert (changed.not_modified, changed.path.read_bytes()) == (False, b"two")


@pytest.mark.parametrize("url", ["file:///no/such/file", "file:///etc/passwd/below", "file:///" + "x" * 300])
async def test_a_missing_file_is_absent(desk: Desk, url: str) -> None:
    """As a 404 is."""
    with pytest.raises(Absent, match="no such file"):
        await read(desk, url)


async def test_a_link_is_followed(desk: Desk, upstream: Path) -> None:
    """Mirrors made by others are full of them; one that goes round is absent."""
    (upstream / "file").write_bytes(b"x")
    (upstream / "latest").symlink_to("file")
    (upstream / "loop").symlink_to("loop")

    assert (await read(desk, upstream / "latest")).size == 1
    with pytest.raises(Absent):
        await read(desk, upstream / "loop")


@pytest.mark.promise("P29")
async def test_only_regular_files_are_read(desk: Desk, upstream: Path) -> None:
    """A named pipe would keep us waiting, a device would never end."""
    os.mkfifo(upstream / "pipe")
    for path in (upstream / "pipe", upstream, Path("/dev/zero")):
        async with asyncio.timeout(5):
            with pytest.raises(UnusableUrl, match="no regular file"):
                await read(desk, path)


@pytest.mark.parametrize(
    "url",
    ["file://server/share", "file:relative", "file:", "file:///a?x", "file:///a#x", "file:///a%00b", "file:///a?"],
)
def test_a_url_that_is_no_plain_path_is_refused(url: str) -> None:
    """A host, a query or a fragment would be dropped in silence otherwise."""
    with pytest.raises(UnusableUrl):
        path_of(url)


def test_localhost_is_no_other_host() -> None:
    """It is how some write an empty one."""
    assert path_of("file://localhost/a%20b") == b"/a b"


async def test_sizes_and_digests_hold_for_files_too(desk: Desk, upstream: Path) -> None:
    """A manifest may be wrong about its own folder."""
    (upstream / "file").write_bytes(b"12345")

    with pytest.raises(SizeMismatch) as caught:
        await read(desk, upstream / "file", Artifact(size=0))
    with pytest.raises(DigestMismatch):
        await read(desk, upstream / "file", Artifact(md5="0" * 32))
    with pytest.raises(TooLarge):
        await read(desk, upstream / "file", largest_metadata=4)

    assert (upstream / "file").as_uri() in str(caught.value)
    assert desk.litter == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
async def test_a_file_that_may_not_be_read_says_so(desk: Desk, upstream: Path) -> None:
    """It is there, so absent would mislead."""
    (upstream / "file").touch(0o000)

    with pytest.raises(AccessDenied, match="permission denied"):
        await read(desk, upstream / "file")


async def test_cancelling_within_a_large_file_leaves_nothing(desk: Desk, upstream: Path) -> None:
    """The thread is told, and waited for."""
    with (upstream / "large").open("wb") as file:
        file.truncate(500_000_000)

    task = asyncio.create_task(read(desk, upstream / "large"))
    await desk.came_in(1)
    task.cancel()
    await asyncio.wait([task])

    assert task.cancelled()
    assert desk.litter == []


async def test_bytes_a_second_hold_for_files_too(desk: Desk, upstream: Path) -> None:
    """A disk shared with others deserves it."""
    (upstream / "file").write_bytes(bytes(50_000))

    await read(desk, upstream / "file", bytes_per_second=100_000)

    assert sum(desk.waits.slept) == pytest.approx(0.5, abs=0.1)

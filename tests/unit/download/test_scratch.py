"""Scratch files come, are read, and go."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from entrepot.download.scratch import ScratchFile, ScratchIncoming, ScratchReceiver
from entrepot.errors import DepotError, DigestMismatch, SizeMismatch
from entrepot.model.artifact import Artifact


def test_what_is_written_can_be_read_at_a_path(tmp_path: Path) -> None:
    """Until it is discarded, which may be done twice."""
    incoming = ScratchReceiver(tmp_path).receive(Artifact())
    incoming.write(b"some ")
    incoming.write(memoryview(b"bytes"))

    received = incoming.finish()
    incoming.discard()

    assert received.path.read_bytes() == b"some bytes"
    assert (received.size, received.sha256) == (10, hashlib.sha256(b"some bytes").digest())
    received.discard()
    received.discard()
    assert list(tmp_path.iterdir()) == []


def test_a_restart_forgets_everything(tmp_path: Path) -> None:
    """On the disk and in the digest."""
    incoming = ScratchReceiver(tmp_path).receive(Artifact(sha256=hashlib.sha256(b"b").hexdigest(), size=1))
    incoming.write(b"a")
    incoming.restart()
    assert incoming.written == 0
    incoming.write(b"b")

    assert incoming.finish().path.read_bytes() == b"b"


@pytest.mark.parametrize(
    ("declared", "error"), [(Artifact(size=9), SizeMismatch), (Artifact(md5="0" * 32), DigestMismatch)]
)
def test_what_is_not_as_declared_is_gone(tmp_path: Path, declared: Artifact, error: type[Exception]) -> None:
    """Nobody can read it by mistake."""
    incoming = ScratchReceiver(tmp_path).receive(declared)
    incoming.write(b"12345")

    with pytest.raises(error):
        incoming.finish()

    incoming.discard()
    assert list(tmp_path.iterdir()) == []


def test_discarding_unfinished_bytes_removes_them(tmp_path: Path) -> None:
    """Any number of times."""
    incoming = ScratchReceiver(tmp_path).receive(Artifact())
    incoming.write(b"12345")

    incoming.discard()
    incoming.discard()

    assert list(tmp_path.iterdir()) == []


def test_receivers_may_share_a_folder(tmp_path: Path) -> None:
    """Names do not meet, and are nobody else's to read."""
    files = [ScratchReceiver(tmp_path).receive(Artifact()).finish() for _ in range(10)]

    assert len({file.path for file in files}) == 10
    assert {file.path.stat().st_mode & 0o777 for file in files} == {0o600}


@pytest.mark.parametrize("size", [1, 64 * 1024 + 1])
def test_a_folder_that_cannot_be_written_is_an_error_of_the_depot(tmp_path: Path, size: int) -> None:
    """Not of the upstream: nobody should look there."""
    incoming = ScratchReceiver(tmp_path / "gone").receive(Artifact())

    with pytest.raises(DepotError) as caught:
        _written_to_a_file(incoming, bytes(size))

    assert "home" in caught.value.remedy
    incoming.discard()


def _written_to_a_file(incoming: ScratchIncoming, body: bytes) -> Path:
    incoming.write(body)
    return incoming.finish().path


def test_a_small_body_makes_no_file_until_its_path_is_asked_for(tmp_path: Path) -> None:
    """Hundreds of small pages are read without one; one byte more than 64 KiB goes to a file as it comes."""
    receiver = ScratchReceiver(tmp_path)
    small, large = receiver.receive(Artifact()), receiver.receive(Artifact())
    small.write(bytes(64 * 1024))
    large.write(bytes(64 * 1024 + 1))
    assert len(list(tmp_path.iterdir())) == 1

    received = small.finish()
    assert received.content() == bytes(64 * 1024)
    assert len(list(tmp_path.iterdir())) == 1
    assert received.path.read_bytes() == received.content() == bytes(64 * 1024)
    assert large.finish().content() == bytes(64 * 1024 + 1)


def test_what_lies_in_memory_is_bounded_and_comes_back(tmp_path: Path) -> None:
    """8 MiB, however many bodies somebody holds on to; room that nobody holds is used again."""
    receiver = ScratchReceiver(tmp_path)

    def body() -> ScratchFile:
        incoming = receiver.receive(Artifact())
        incoming.write(bytes(64 * 1024))
        return incoming.finish()

    held = [body() for _ in range(128 + 5)]
    assert len(list(tmp_path.iterdir())) == 5

    del held[:5]
    held += [body() for _ in range(5)]
    assert len(list(tmp_path.iterdir())) == 5
    assert {one.content() for one in held} == {bytes(64 * 1024)}

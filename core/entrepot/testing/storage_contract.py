"""What every storage must honour; subclass it in a test module, and run it with pytest.

>>> class TestMyStorage(DurableStorageContract):
...     def make_storage(self, folder: Path) -> Storage:
...         return MyStorage(folder)
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from entrepot.errors import DigestMismatch, NotHeld, SizeMismatch
from entrepot.model.artifact import Artifact
from entrepot.model.digest import LENGTHS
from entrepot.storage.memory import MemoryStorage

if TYPE_CHECKING:
    from entrepot.model.incoming import Received
    from entrepot.model.ledger import KeptArtifact
    from entrepot.storage.protocol import Storage

__all__ = ["StorageContract"]

#: Around the size up to which a body may wait in memory, and well beyond.
SIZES = (0, 1, 4096, 65_535, 65_536, 65_537, 1_000_003)


def body_of(size: int, seed: str = "a") -> bytes:
    """Bytes that look random and are the same every time."""
    return hashlib.shake_128(f"{seed} {size}".encode()).digest(size)


def sha256_of(body: bytes) -> bytes:
    """The name that the bytes have in every storage."""
    return hashlib.sha256(body).digest()


def expected(body: bytes) -> Artifact:
    """What an upstream that tells the truth declares."""
    return Artifact(sha256=sha256_of(body).hex(), size=len(body))


def received(storage: Storage, body: bytes, artifact: Artifact | None = None) -> Received:
    """Let a storage take bytes in, in one piece."""
    incoming = storage.receive(artifact or expected(body))
    incoming.write(body)
    return incoming.finish()


def keep(storage: Storage, *bodies: bytes) -> list[KeptArtifact]:
    """Take bytes in and keep them, as one batch."""
    return storage.keep([received(storage, body) for body in bodies])


def read(storage: Storage, body: bytes) -> bytes:
    """Read what stands under the digest of `body`."""
    with storage.open(sha256_of(body)) as file:
        return file.read()


class StorageContract:
    """The promises of `Storage`, one a test. Write `make_storage`."""

    def make_storage(self, folder: Path) -> Storage:
        """Open the storage under test; `folder` is there, and is the test's own."""
        raise AssertionError(f"write make_storage: it opens the storage to test, in {folder}")

    @pytest.fixture
    def storage(self, tmp_path: Path) -> Iterator[Storage]:
        """A storage that is ready and empty."""
        with closing(self.make_storage(tmp_path)) as storage:
            storage.prepare()
            yield storage

    @pytest.mark.parametrize("size", SIZES)
    def test_kept_bytes_are_read_back_whole(self, storage: Storage, size: int) -> None:
        """What was kept is there under its sha256, to the byte, whatever its size."""
        body = body_of(size)

        [kept] = keep(storage, body)

        assert (kept.sha256, kept.size) == (sha256_of(body), size)
        assert read(storage, body) == body
        path = storage.path(kept.sha256)
        assert path is None or path.read_bytes() == body

    def test_answers_stand_in_the_order_of_the_batch(self, storage: Storage) -> None:
        """Whoever keeps a batch finds the answer to its n-th file at the n-th place."""
        bodies = [body_of(size, "order") for size in (9, 70_000, 0, 3, 100_000, 5)]

        kept = keep(storage, *bodies)

        assert [one.sha256 for one in kept] == [sha256_of(body) for body in bodies]

    def test_the_same_bytes_twice_in_a_batch_are_kept_once(self, storage: Storage) -> None:
        """Two units of a batch may share an artifact; both get their answer, neither was found."""
        body, other = body_of(10), body_of(11)

        kept = keep(storage, body, other, body)

        assert [one.sha256 for one in kept] == [sha256_of(body), sha256_of(other), sha256_of(body)]
        assert [one.recheck for one in kept] == [None, None, None]
        assert read(storage, body) == body

    def test_bytes_that_were_there_are_found_and_can_be_looked_for_again(self, storage: Storage) -> None:
        """Bytes that were found rather than written may be gone before their row is committed."""
        body = body_of(70_000)
        keep(storage, body)

        [again] = keep(storage, body)

        assert again.recheck is not None
        assert again.recheck()
        storage.remove(sha256_of(body))
        assert not again.recheck()

    @pytest.mark.parametrize("size", SIZES)
    def test_the_first_byte_past_the_declared_size_is_refused(self, storage: Storage, size: int) -> None:
        """A body that goes on past its size is stopped there, a size of zero included."""
        body = body_of(size)
        incoming = storage.receive(expected(body))
        incoming.write(body)

        with pytest.raises(SizeMismatch, match=f"at least {size + 1} bytes, {size} were declared"):
            incoming.write(b"x")

        assert incoming.written == size
        incoming.discard()
        assert not storage.holds(sha256_of(body))

    @pytest.mark.parametrize("size", [1, 4096, 70_000])
    def test_a_body_that_is_short_is_refused(self, storage: Storage, size: int) -> None:
        """A transfer that ended early is never taken for whole."""
        incoming = storage.receive(expected(body_of(size)))
        incoming.write(body_of(size)[:-1])

        with pytest.raises(SizeMismatch, match=f"size is {size - 1} bytes, {size} were declared"):
            incoming.finish()

    @pytest.mark.parametrize("size", [10, 70_000])
    @pytest.mark.parametrize("algorithm", LENGTHS)
    def test_every_declared_digest_is_verified(self, storage: Storage, algorithm: str, size: int) -> None:
        """One wrong digest among right ones is enough; the error names it with both values."""
        wrong = hashlib.new(algorithm, b"other bytes", usedforsecurity=False).hexdigest()
        right = hashlib.new(algorithm, body_of(size), usedforsecurity=False).hexdigest()
        digests: dict[str, Any] = {"sha256": sha256_of(body_of(size)).hex(), algorithm: wrong}
        incoming = storage.receive(Artifact(**digests))
        incoming.write(body_of(size))

        with pytest.raises(DigestMismatch) as told:
            incoming.finish()

        assert (told.value.algorithm, told.value.expected, told.value.actual) == (algorithm, wrong, right)
        incoming.discard()
        assert not storage.holds(sha256_of(body_of(size)))

    @pytest.mark.parametrize("size", [10, 70_000])
    def test_digests_are_computed_as_declared(self, storage: Storage, size: int) -> None:
        """The catalog can find the bytes by whatever digest named them, and by sha256 always."""
        body = body_of(size)
        md5 = hashlib.md5(body, usedforsecurity=False)
        short = hashlib.blake2b(body, digest_size=32)
        taken = received(storage, body, Artifact(md5=md5.hexdigest(), blake2b=short.hexdigest()))

        [kept] = storage.keep([taken])

        wanted = {"sha256": sha256_of(body), "md5": md5.digest(), "blake2b": short.digest()}
        assert dict(kept.digests) == wanted

    def test_bytes_of_which_nothing_is_known_are_taken(self, storage: Storage) -> None:
        """Some upstreams declare neither size nor digest; what it is shows once it is here."""
        [kept] = storage.keep([received(storage, body_of(70_000), Artifact())])

        assert kept.sha256 == sha256_of(body_of(70_000))

    @pytest.mark.parametrize("piece", [1, 7, 1000, 65_536, 65_537])
    def test_pieces_of_any_size_make_the_same_body(self, storage: Storage, piece: int) -> None:
        """The network cuts where it likes; buffers may be used again once they are written."""
        body = body_of(min(300_000, piece * 2000))
        incoming, buffer = storage.receive(expected(body)), bytearray(piece)

        for start in range(0, len(body), piece):
            part = body[start : start + piece]
            buffer[: len(part)] = part
            incoming.write(memoryview(buffer)[: len(part)])
        storage.keep([incoming.finish()])

        assert read(storage, body) == body

    @pytest.mark.parametrize("size", [10, 65_536, 200_000])
    def test_a_transfer_can_begin_anew(self, storage: Storage, size: int) -> None:
        """After a restart nothing is left of the bytes before it, in the file or in the digests."""
        incoming = storage.receive(expected(body_of(size)))
        incoming.write(body_of(size, "of another try")[: size - 1])

        incoming.restart()
        assert incoming.written == 0
        incoming.write(body_of(size))
        storage.keep([incoming.finish()])

        assert read(storage, body_of(size)) == body_of(size)

    @pytest.mark.parametrize("size", [10, 200_000])
    def test_what_came_in_can_be_read_before_it_is_kept(self, storage: Storage, size: int) -> None:
        """A stage may look into a file on its way; it is kept all the same."""
        taken = received(storage, body_of(size))

        assert taken.content() == body_of(size)
        assert taken.path.read_bytes() == body_of(size)
        assert taken.path == taken.path
        assert taken.content() == body_of(size)
        storage.keep([taken])
        assert read(storage, body_of(size)) == body_of(size)

    @pytest.mark.parametrize("size", [10, 200_000])
    def test_what_is_discarded_is_gone(self, storage: Storage, size: int) -> None:
        """Discarding removes the temporary file; calling again, or after `finish`, does nothing."""
        incoming = storage.receive(expected(body_of(size)))
        incoming.write(body_of(size))
        taken = incoming.finish()
        incoming.discard()
        path = taken.path

        taken.discard()
        taken.discard()

        assert not path.exists()
        assert not storage.holds(sha256_of(body_of(size)))

    def test_nothing_is_held_before_it_is_kept(self, storage: Storage) -> None:
        """Bytes on their way in have no final name."""
        received(storage, body_of(10))
        received(storage, body_of(200_000))

        assert not storage.holds(sha256_of(body_of(10)))
        assert storage.find([sha256_of(body_of(200_000))]) == [None]

    def test_bytes_received_elsewhere_can_be_kept(self, storage: Storage) -> None:
        """Metadata lies in a scratch folder first; a first stage may declare it as content."""
        sha1 = hashlib.sha1(body_of(100), usedforsecurity=False)
        with closing(MemoryStorage()) as elsewhere:
            taken = received(elsewhere, body_of(100), Artifact(sha1=sha1.hexdigest()))

            [kept] = storage.keep([taken])

        assert {digest.algorithm for digest in kept.digests} == {"sha256", "sha1"}
        assert read(storage, body_of(100)) == body_of(100)

    def test_holding_can_be_asked_with_a_size(self, storage: Storage) -> None:
        """A quick look tells a file that is short from one that may be right."""
        keep(storage, body_of(10))

        assert storage.holds(sha256_of(body_of(10)))
        assert storage.holds(sha256_of(body_of(10)), 10)
        assert not storage.holds(sha256_of(body_of(10)), 9)
        assert not storage.holds(sha256_of(body_of(11)))

    def test_bytes_are_found_in_the_order_of_the_question(self, storage: Storage) -> None:
        """What is found tells its size and sha256, and can be looked for again."""
        keep(storage, body_of(10), body_of(200_000))
        wanted = [body_of(200_000), body_of(5), body_of(10), body_of(200_000)]

        found = storage.find([sha256_of(body) for body in wanted])

        assert [one and (one.sha256, one.size) for one in found] == [
            (sha256_of(wanted[0]), 200_000),
            None,
            (sha256_of(wanted[2]), 10),
            (sha256_of(wanted[0]), 200_000),
        ]
        assert all(one.recheck() for one in found if one is not None and one.recheck is not None)

    def test_what_is_not_there_cannot_be_opened(self, storage: Storage) -> None:
        """The error names the digest."""
        with pytest.raises(NotHeld, match=sha256_of(b"").hex()):
            storage.open(sha256_of(b""))

        assert storage.path(sha256_of(b"")) is None

    def test_removing_leaves_readers_alone(self, storage: Storage) -> None:
        """A download that has begun ends with the right bytes; removing twice is no error."""
        keep(storage, body_of(200_000))

        with storage.open(sha256_of(body_of(200_000))) as file:
            begin = file.read(10)
            storage.remove(sha256_of(body_of(200_000)))
            storage.remove(sha256_of(body_of(200_000)))
            assert begin + file.read() == body_of(200_000)

        assert not storage.holds(sha256_of(body_of(200_000)))

    def test_what_stands_there_is_told_by_its_digest(self, storage: Storage) -> None:
        """Whoever looks for files that nobody needs sees every one, and nothing on its way in."""
        received(storage, body_of(100_000))
        keep(storage, body_of(0), body_of(10), body_of(200_000))

        standing = list(storage.walk())

        assert sorted(one.sha256 or b"" for one in standing) == sorted(sha256_of(body_of(n)) for n in (0, 10, 200_000))
        assert {one.kind for one in standing} == {"file"}
        assert len({one.name for one in standing}) == len(standing)

    @pytest.mark.parametrize("size", [0, 10, 200_000])
    def test_right_bytes_are_told_from_missing_and_missized_ones(self, storage: Storage, size: int) -> None:
        """The size that a row says counts, whatever stands there."""
        keep(storage, body_of(size))

        assert storage.examine(sha256_of(body_of(size)), size) is None
        assert storage.examine(sha256_of(body_of(size)), size + 1) == "short"
        assert size == 0 or storage.examine(sha256_of(body_of(size)), size - 1) == "long"
        storage.remove(sha256_of(body_of(size)))
        assert storage.examine(sha256_of(body_of(size)), size) == "missing"

    def test_threads_may_keep_the_same_bytes_at_once(self, storage: Storage) -> None:
        """Syncs of several repositories share artifacts; each gets an answer for each."""
        bodies = [body_of(size, "shared") for size in (*range(40), 70_000)]

        with ThreadPoolExecutor(4) as threads:
            batches = list(threads.map(lambda _: keep(storage, *bodies), range(4)))

        assert all([one.sha256 for one in kept] == [sha256_of(body) for body in bodies] for kept in batches)
        assert [read(storage, body) for body in bodies] == bodies

    def test_nothing_is_an_acceptable_batch(self, storage: Storage) -> None:
        """A batch may be empty, and so may a question."""
        assert storage.keep([]) == []
        assert storage.find([]) == []

    def test_preparing_again_changes_nothing(self, storage: Storage) -> None:
        """Every start prepares and sweeps; what is kept stays."""
        keep(storage, body_of(10))

        storage.prepare()
        storage.sweep()

        assert read(storage, body_of(10)) == body_of(10)

"""Files named by their sha256."""

from __future__ import annotations

import errno
import os
import shutil
import socket
import stat
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from entrepot.errors import DepotError, DiskFailed, DiskFull, NotHeld, StorageReadOnly
from entrepot.model.artifact import Artifact
from entrepot.storage.disk import Disk
from entrepot.storage.filesystem import FilesystemStorage
from entrepot.testing.durable_storage_contract import DurableStorageContract
from entrepot.testing.storage_contract import body_of, expected, keep, read, received, sha256_of


def final_name(root: Path, body: bytes) -> Path:
    """Where the bytes stand once they are kept."""
    digits = sha256_of(body).hex()
    return root / "sha256" / digits[:2] / digits[2:]


def temporary(root: Path) -> list[str]:
    """Name the temporary files that are there; the owner's own file is none."""
    return [name for name in os.listdir(root / "tmp") if not name.endswith(".owner")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where all storages of this module lie, one after the other: making 256 folders takes its time."""
    return tmp_path_factory.mktemp("filesystem")


@pytest.fixture
def tmp_path(folder: Path) -> Iterator[Path]:
    """The folder, with nothing left in it but folders."""
    yield folder
    for left in (*folder.glob("storage/sha256/*/*"), *folder.glob("storage/tmp/*")):
        shutil.rmtree(left) if stat.S_ISDIR(left.lstat().st_mode) else left.unlink()


class TestFilesystemStorage(DurableStorageContract):
    """A folder honours what every storage must."""

    def make_storage(self, folder: Path) -> FilesystemStorage:
        return FilesystemStorage(folder / "storage")

    def plant(self, folder: Path, sha256: bytes, body: bytes) -> None:
        name = folder / "storage" / "sha256" / sha256.hex()[:2] / sha256.hex()[2:]
        name.unlink(missing_ok=True)
        name.write_bytes(body)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Where the storage of the test lies."""
    return tmp_path / "storage"


@pytest.fixture
def storage(root: Path) -> Iterator[FilesystemStorage]:
    """A storage that is ready and empty."""
    with closing(FilesystemStorage(root)) as storage:
        storage.prepare()
        yield storage


def test_a_kept_file_stands_under_its_digest_for_all_to_read(storage: FilesystemStorage, root: Path) -> None:
    """The layout is promised: `sha256/ab/cdef...`, mode 0444, one name."""
    keep(storage, body_of(10), body_of(200_000))

    for body in (body_of(10), body_of(200_000)):
        status = final_name(root, body).lstat()
        assert stat.S_IMODE(status.st_mode) == 0o444
        assert status.st_nlink == 1
        assert storage.path(sha256_of(body)) == final_name(root, body)
    assert temporary(root) == []


def test_many_files_are_kept_together(storage: FilesystemStorage, root: Path) -> None:
    """Batches large enough for the whole file system to be synced at once end as small ones do."""
    bodies = [body_of(size, "many") for size in (*range(50), 70_000)]

    kept = keep(storage, *bodies, *bodies)

    assert [one.sha256 for one in kept] == [sha256_of(body) for body in bodies] * 2
    assert [final_name(root, body).read_bytes() for body in bodies] == bodies
    assert temporary(root) == []


def test_a_file_on_its_way_is_its_owner_s_alone(storage: FilesystemStorage, root: Path) -> None:
    """Bytes that are not verified yet are readable by nobody else."""
    incoming = storage.receive(Artifact())
    incoming.write(body_of(200_000))

    [name] = temporary(root)

    assert stat.S_IMODE((root / "tmp" / name).stat().st_mode) == 0o600
    assert stat.S_IMODE((root / "tmp").stat().st_mode) == 0o700
    assert name.startswith(f"{os.getpid()}-")
    incoming.discard()
    assert temporary(root) == []


def test_a_small_body_makes_no_file_before_it_is_kept(storage: FilesystemStorage, root: Path) -> None:
    """Taking small bodies in on the event loop costs no system call."""
    taken = received(storage, body_of(65_536))

    assert temporary(root) == []
    taken.discard()


def put_link(name: Path) -> None:
    target = name.parent / "target"
    target.write_bytes(body_of(4096))
    name.symlink_to(target)


def put_pipe(name: Path) -> None:
    os.mkfifo(name)


def put_socket(name: Path) -> None:
    with socket.socket(socket.AF_UNIX) as end:
        end.bind(os.path.relpath(name))


@pytest.mark.fault("C14")
@pytest.mark.promise("P13")
def test_a_folder_that_is_lost_is_made_again(tmp_path: Path) -> None:
    """As a check of the file system may move one away; what is kept there stands as anywhere."""
    body = b"lost with its folder"
    with closing(FilesystemStorage(tmp_path / "storage")) as storage:
        storage.prepare()
        keep(storage, body)
        shutil.rmtree(final_name(storage.root, body).parent)

        (kept,) = keep(storage, body)

        assert read(storage, body) == body
        assert kept.sha256 == sha256_of(body)
        assert temporary(storage.root) == []


@pytest.mark.fault("C14")
def test_no_folder_is_made_where_the_disk_is_not_mounted(tmp_path: Path) -> None:
    """All of them are gone then, and bytes would be kept on another disk."""
    root = tmp_path / "unmounted"
    with closing(FilesystemStorage(root)) as storage:
        storage.prepare()
        shutil.rmtree(root / "sha256")

        with pytest.raises(DepotError, match="a folder of the storage is missing") as caught:
            keep(storage, b"x")

        assert caught.value.where == str(final_name(root, b"x"))
        assert os.listdir(root) == ["tmp"]


@pytest.mark.fault("C15")
@pytest.mark.promise("P29")
@pytest.mark.parametrize("put", [put_link, put_pipe, put_socket])
def test_what_is_no_file_is_never_followed_and_is_replaced(
    storage: FilesystemStorage, root: Path, monkeypatch: pytest.MonkeyPatch, put: Callable[[Path], None]
) -> None:
    """A link under a final name, even to the right bytes, is not the bytes; a pipe is not waited on."""
    name = final_name(root, body_of(4096))
    monkeypatch.chdir(name.parent)
    put(name)
    sha256 = sha256_of(body_of(4096))

    assert not storage.holds(sha256)
    assert storage.path(sha256) is None
    assert storage.find([sha256]) == [None]
    with pytest.raises(NotHeld):
        storage.open(sha256)

    keep(storage, body_of(4096))

    assert stat.S_ISREG(name.lstat().st_mode)
    assert read(storage, body_of(4096)) == body_of(4096)


@pytest.mark.fault("C15")
def test_a_folder_at_a_final_name_is_set_aside(storage: FilesystemStorage, root: Path) -> None:
    """A folder may hold somebody's work: it makes room for the right bytes, and nothing in it is lost."""
    name = final_name(root, body_of(4096))
    (name / "somebody's").mkdir(parents=True)

    assert not storage.holds(sha256_of(body_of(4096)))
    keep(storage, body_of(10), body_of(4096))

    assert read(storage, body_of(4096)) == body_of(4096)
    assert (root / "displaced" / f"{sha256_of(body_of(4096)).hex()}-1" / "somebody's").is_dir()
    assert temporary(root) == []
    shutil.rmtree(root / "displaced")


@pytest.mark.fault("C14", "C15", "C16")
def test_what_is_wrong_under_a_name_is_told_and_not_touched(storage: FilesystemStorage, root: Path) -> None:
    """Links are not followed, pipes not waited on, folders not entered; sizes tell before bytes are read."""
    body, outside = body_of(100), root.parent / "outside"
    outside.write_bytes(body)
    name = final_name(root, body)
    told: dict[str, str | None] = {}

    wrongs: dict[str, Callable[[], object]] = {
        "nothing": lambda: None,
        "short": lambda: name.write_bytes(body[:99]),
        "empty": lambda: name.write_bytes(b""),
        "long": lambda: name.write_bytes(body + b"x"),
        "flipped": lambda: name.write_bytes(bytes([body[0] ^ 1]) + body[1:]),
        "link": lambda: name.symlink_to(outside),
        "pipe": lambda: os.mkfifo(name),
        "folder": name.mkdir,
    }
    for what, make in wrongs.items():
        make()
        told[what] = storage.examine(sha256_of(body), 100)
        if name.is_dir():
            name.rmdir()
        name.unlink(missing_ok=True)

    assert told == {
        "nothing": "missing",
        "short": "short",
        "empty": "short",
        "long": "long",
        "flipped": "flipped",
        "link": "mistyped",
        "pipe": "mistyped",
        "folder": "mistyped",
    }


@pytest.mark.fault("C15")
def test_a_walk_tells_all_that_stands_there_and_follows_nothing(storage: FilesystemStorage, root: Path) -> None:
    """Names that cannot be a digest's have none; temporary files are not told."""
    keep(storage, body_of(10))
    storage.receive(expected(body_of(100_000))).write(body_of(100_000))
    (root / "sha256" / "ab" / "README").write_text("x")
    (root / "sha256" / "zz").symlink_to(root)
    (root / "notes").mkdir()
    os.mkfifo(root / "sha256" / "00" / ("0" * 62))

    told = {(one.name, one.sha256, one.kind) for one in storage.walk()}
    (root / "sha256" / "zz").unlink()
    (root / "notes").rmdir()

    name = sha256_of(body_of(10)).hex()
    assert told == {
        (f"sha256/{name[:2]}/{name[2:]}", sha256_of(body_of(10)), "file"),
        ("sha256/ab/README", None, "file"),
        ("sha256/zz", None, "link"),
        ("notes", None, "folder"),
        (f"sha256/00/{'0' * 62}", bytes(32), "other"),
    }


def test_a_storage_that_was_not_prepared_says_how_to(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Nothing is made on the side; the remedy can be typed."""
    root = tmp_path_factory.mktemp("empty") / "storage"
    with closing(FilesystemStorage(root)) as storage, pytest.raises(DepotError, match="missing") as told:
        keep(storage, body_of(10))

    assert "entrepot init" in told.value.remedy
    assert not root.exists()


class FailingDisk(Disk):
    """A disk on which one primitive gives one error."""

    def __init__(self, primitive: str, code: int) -> None:
        self._primitive = primitive

        def fail(*_: object) -> None:
            raise OSError(code, os.strerror(code))

        setattr(self, primitive, fail)

    def heal(self) -> None:
        delattr(self, self._primitive)


PRIMITIVES = ("create", "write", "freeze", "close", "sync", "link", "sync_folder")
ERRORS = {
    errno.ENOSPC: DiskFull,
    errno.EDQUOT: DiskFull,
    errno.EROFS: StorageReadOnly,
    errno.EACCES: StorageReadOnly,
    errno.EIO: DiskFailed,
    errno.EMFILE: DepotError,
    errno.ENODEV: DepotError,
}


@pytest.mark.fault("C08")
@pytest.mark.promise("P24")
@pytest.mark.parametrize("code", ERRORS, ids=errno.errorcode.get)
@pytest.mark.parametrize("primitive", PRIMITIVES)
@pytest.mark.parametrize("size", [10, 200_000])
def test_every_failure_is_told_and_leaves_nothing_behind(root: Path, primitive: str, code: int, size: int) -> None:
    """Whatever the disk says, wherever: an error with a remedy, no temporary file, no wrong bytes."""
    with closing(FilesystemStorage(root)) as storage:
        storage.prepare()

    with closing(FilesystemStorage(root, disk=FailingDisk(primitive, code))) as storage:
        with pytest.raises(ERRORS[code], match=r"remedy: \w+"):
            keep(storage, body_of(size), body_of(size + 1))

        assert temporary(root) == []
    for body in (body_of(size), body_of(size + 1)):
        name = final_name(root, body)
        assert not name.exists() or name.read_bytes() == body


@pytest.mark.fault("C05")
@pytest.mark.promise("P24")
def test_a_disk_that_heals_is_used_again(root: Path) -> None:
    """After the disk was full, the same storage goes on."""
    disk = FailingDisk("write", errno.ENOSPC)
    with closing(FilesystemStorage(root, disk=disk)) as storage:
        storage.prepare()
        with pytest.raises(DiskFull):
            keep(storage, body_of(10))

        disk.heal()

        keep(storage, body_of(10))
        assert read(storage, body_of(10)) == body_of(10)


class OneNameDisk(Disk):
    """A file system on which a file has one name, as on some network shares."""

    def link(self, path: str, name: str) -> None:
        raise OSError(errno.EPERM, "no second names here", path)


def test_where_files_have_one_name_bytes_are_moved(root: Path) -> None:
    """The right bytes that were there stay and count as found; wrong ones are replaced."""
    with closing(FilesystemStorage(root, disk=OneNameDisk())) as storage:
        storage.prepare()
        [new] = keep(storage, body_of(10))
        [found] = keep(storage, body_of(10))
        final_name(root, body_of(11)).write_bytes(b"wrong")
        [healed] = keep(storage, body_of(11))

        assert (new.recheck, healed.recheck) == (None, None)
        assert found.recheck is not None
        assert read(storage, body_of(11)) == body_of(11)
        assert temporary(root) == []

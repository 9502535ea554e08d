"""Damage done to a storage by seed, and a listing that tells whether anything at all was changed."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

import attrs

from entrepot.storage.filesystem import FilesystemStorage
from entrepot.storage.protocol import Storage

KINDS = ("flipped", "short", "long", "missing", "link", "folder", "pipe")
_TOLD_AS = {"link": "mistyped", "folder": "mistyped", "pipe": "mistyped"}


@attrs.frozen
class Harm:
    """What was done: damage by digest, as it should be told, and paths of what is foreign."""

    damaged: dict[str, str]
    foreign: set[str]


def root_of(storage: Storage) -> Path:
    assert isinstance(storage, FilesystemStorage)
    return storage.root


def path_of(storage: Storage, sha256: str) -> Path:
    return root_of(storage) / "sha256" / sha256[:2] / sha256[2:]


def harm(storage: Storage, digests: list[str], seed: int) -> Harm:
    """Damage some of the files in every way there is, and put beside them what does not belong there."""
    chances = random.Random(seed)
    victims = chances.sample(sorted(digests), 6 * len(KINDS))
    damaged = {}
    for number, sha256 in enumerate(victims):
        kind = KINDS[number % len(KINDS)]
        _damage(path_of(storage, sha256), kind, chances)
        damaged[sha256] = _TOLD_AS.get(kind, kind)
    return Harm(damaged, _litter(root_of(storage)))


def _damage(path: Path, kind: str, chances: random.Random) -> None:
    body = bytearray(path.read_bytes())
    path.unlink()
    match kind:
        case "flipped":
            body[chances.randrange(len(body))] ^= 1 << chances.randrange(8)
            path.write_bytes(body)
        case "short":
            path.write_bytes(body[: chances.randrange(len(body))])
        case "long":
            path.write_bytes(body + b"x")
        case "link":
            outside = path.parents[3] / f"outside-{path.name}"
            outside.write_bytes(body)
            path.symlink_to(outside)
        case "folder":
            path.mkdir()
            (path / "inside").write_bytes(body)
        case "pipe":
            os.mkfifo(path)


def _litter(root: Path) -> set[str]:
    shelf = root / "sha256"
    (shelf / "00" / "0").mkdir()
    (shelf / "01" / "README").write_text("not bytes of anybody")
    (shelf / "02" / ("A" * 62)).write_bytes(b"in capitals")
    (shelf / "03" / ("0" * 62)).write_bytes(b"bytes of another digest")
    (shelf / "04" / ("1" * 62)).symlink_to("/dev/zero")
    os.mkfifo(shelf / "05" / ("2" * 62))
    (shelf / "zz").mkdir()
    (root / "notes.txt").write_text("somebody was here")
    return {
        "sha256/00/0",
        "sha256/01/README",
        f"sha256/02/{'A' * 62}",
        f"sha256/03/{'0' * 62}",
        f"sha256/04/{'1' * 62}",
        f"sha256/05/{'2' * 62}",
        "sha256/zz",
        "notes.txt",
    }


def listing(root: Path) -> dict[str, tuple[object, ...]]:
    """All that stands below a folder: kinds, times, and bytes or targets."""
    found: dict[str, tuple[object, ...]] = {}
    for folder, folders, files in os.walk(root):
        for name in (*folders, *files):
            path = Path(folder, name)
            status = path.lstat()
            body: object = None
            if path.is_symlink():
                body = os.readlink(path)
            elif path.is_file():
                body = path.read_bytes()
            found[str(path)] = (status.st_mode, status.st_size, status.st_mtime_ns, status.st_ino, body)
    return found


def clear(root: Path, foreign: set[str]) -> None:
    """Take away what was put there, so that the depot is whole."""
    for name in (*foreign, "displaced"):
        path = root / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)

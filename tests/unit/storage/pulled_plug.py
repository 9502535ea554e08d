"""A disk that loses power at its n-th step, and forgets what was not synced."""

from __future__ import annotations

import hashlib
import os
import random
import threading
from pathlib import Path

from entrepot.storage.disk import Disk


class PulledPlug(BaseException):
    """There is no power any more; nothing that anybody does has an effect."""


class ForgetfulDisk(Disk):
    """Works as a disk does until the plug is pulled, at step `last`.

    `lose_power` then makes of the folder what a file system might find after such an end: bytes
    and names that were not synced are kept or lost by the throw of a die. Syncing costs nothing.
    """

    def __init__(self, last: int) -> None:
        self.steps = 0
        self._last = last
        self._lock = threading.Lock()
        self._unsynced_bytes: set[int] = set()
        self._unsynced_names: dict[str, tuple[int, bytes | None]] = {}

    def step(self) -> None:
        """Count one step, or have no power for it."""
        with self._lock:
            self.steps += 1
            if self.steps >= self._last:
                raise PulledPlug

    def create(self, path: str) -> int:
        self.step()
        return super().create(path)

    def write(self, file: int, data: bytes | memoryview) -> None:
        self.step()
        self._unsynced_bytes.add(os.fstat(file).st_ino)
        super().write(file, data)

    def freeze(self, file: int) -> None:
        self.step()
        super().freeze(file)

    def link(self, path: str, name: str) -> None:
        self.step()
        super().link(path, name)
        self._unsynced_names[name] = (os.lstat(path).st_ino, None)

    def replace(self, path: str, name: str) -> None:
        self.step()
        before, inode = Path(name).read_bytes(), os.lstat(path).st_ino
        super().replace(path, name)
        self._unsynced_names[name] = (inode, before)

    def unlink(self, path: str) -> None:
        self.step()
        super().unlink(path)

    def sync(self, file: int) -> None:
        self.step()
        self._unsynced_bytes.discard(os.fstat(file).st_ino)

    def sync_folder(self, path: str) -> None:
        self.step()
        for name in [name for name in self._unsynced_names if os.path.dirname(name) == path]:
            del self._unsynced_names[name]

    def sync_whole(self, syncfs: object, file: int) -> None:
        self.step()
        self._unsynced_bytes.clear()
        self._unsynced_names.clear()

    def lose_power(self, die: random.Random) -> None:
        """Forget, of what was not synced, what the die says."""
        for name, (inode, before) in self._unsynced_names.items():
            if os.path.exists(name) and os.lstat(name).st_ino == inode and die.random() < 0.5:
                os.unlink(name)
                if before is not None:
                    Path(name).write_bytes(before)
            elif inode in self._unsynced_bytes and die.random() < 0.5:
                os.chmod(name, 0o600)
                os.truncate(name, 0)


def wrong_files(root: Path, *, known: frozenset[str] = frozenset()) -> list[str]:
    """Read all that stands under a final name; what is not what its name says."""
    return [
        name
        for folder in sorted(os.listdir(root / "sha256"))
        for rest in sorted(os.listdir(root / "sha256" / folder))
        if (name := folder + rest) not in known
        and hashlib.sha256((root / "sha256" / folder / rest).read_bytes()).hexdigest() != name
    ]

"""Whether the folder that a depot lives in is fit to hold it."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from entrepot.operations.finding import Finding

_SCARCE = 1_000_000_000
_FULL = 50_000_000
_MOUNTS = Path("/proc/self/mounts")

#: File systems of other machines: kernel locks and write-ahead logs need all who write on one machine.
_REMOTE = ("9p", "afs", "ceph", "cifs", "fuse.sshfs", "glusterfs", "ncpfs", "nfs", "nfs4", "smb3", "smbfs", "vboxsf")
_PASSING = ("ramfs", "tmpfs")


def home_findings(home: Path) -> Iterator[Finding]:
    """Look at permissions, file system and free space; nothing is written."""
    if not home.is_dir():
        yield Finding("home", "bad", f"{home} is not there", "entrepot init")
        return
    yield _permissions(home)
    yield from _file_system(home)
    yield _space(home)


def _permissions(home: Path) -> Finding:
    found = home.stat()
    owner = f"chown -R {os.geteuid()} {home}"
    if not os.access(home, os.R_OK | os.W_OK | os.X_OK):
        return Finding("home", "bad", f"{home} cannot be written by who runs this", owner)
    if stat.S_IMODE(found.st_mode) & stat.S_IWOTH:
        return Finding("home", "bad", f"{home} can be written by everybody", f"chmod o-w {home}")
    if found.st_uid != os.geteuid():
        return Finding("home", "note", f"{home} belongs to another user, and can be written", owner)
    return Finding("home", "ok", f"{home}, mode {stat.S_IMODE(found.st_mode):04o}")


def _file_system(home: Path) -> Iterator[Finding]:
    kind = file_system(home)
    if kind is None:
        return
    if kind in _REMOTE:
        what = f"{home} is on {kind}, a file system of another machine: locks that keep the catalog whole may not hold"
        yield Finding("file system", "bad", what, "entrepot --home DIR init, with DIR on a local disk")
    elif kind in _PASSING:
        yield Finding("file system", "note", f"{home} is on {kind}: all of it is gone when the machine stops")
    else:
        yield Finding("file system", "ok", kind)


def file_system(folder: Path, mounts: Path = _MOUNTS) -> str | None:
    """The kind of file system that a folder is on; None where the kernel does not tell."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    mounted = {_unescaped(point): kind for _, point, kind, *_ in (line.split() for line in lines)}
    resolved = folder.resolve()
    for parent in (resolved, *resolved.parents):
        if (kind := mounted.get(str(parent))) is not None:
            return kind
    return None


def _unescaped(point: str) -> str:
    return point.replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\")


def _space(home: Path) -> Finding:
    free = shutil.disk_usage(home).free
    what = f"{free / 1e9:.1f} GB free"
    if free < _FULL:
        return Finding("space", "bad", what, "make room; a sync that finds none stops and loses nothing")
    return Finding("space", "note" if free < _SCARCE else "ok", what)

"""Reads what a distribution requires out of its core metadata, within bounds, and runs nothing."""

from __future__ import annotations

import gzip
import io
import re
import struct
import tarfile
import zipfile
import zlib
from typing import IO, Final

from packaging.metadata import RawMetadata, parse_email
from packaging.version import Version

from entrepot.plugin import InvalidMetadata

#: Bytes of metadata, of a directory of an archive, and bytes into an archive that are looked at.
_LARGEST, _LARGEST_DIRECTORY, _REACH = 4 * 1024**2, 16 * 1024**2, 1024**3

#: Different fields that metadata may have, known or not; there are some forty.
_MOST_FIELDS: Final = 500

_FIELD: Final = re.compile(rb"[^\s:]+(?=:)")

_IN_WHEEL, _IN_SDIST = re.compile(r"[^/]+\.dist-info/METADATA"), re.compile(r"[^/]+/PKG-INFO")
_END, _END_64 = b"PK\x05\x06", b"PK\x06\x07"

#: From this version on a source distribution says which of its metadata a build does not change (PEP 643).
_SETTLED: Final = Version("2.2")

_UNREADABLE = (OSError, ValueError, RuntimeError, EOFError, tarfile.TarError, zipfile.BadZipFile, zlib.error)


def read_requirements(path: str, file: IO[bytes]) -> tuple[str, ...]:
    """Read the `Requires-Dist` of a metadata file (PEP 658), a wheel or a source distribution.

    Raises `InvalidMetadata` where there is none to read, and for a source distribution that leaves
    its requirements to its build.
    """
    said = parse_metadata(read_metadata(path, file))
    if "metadata_version" not in said:
        raise _unknown("its metadata does not say of which version it is")
    if not path.endswith((".metadata", ".whl")) and not _is_settled(
        said["metadata_version"], [field.lower() for field in said.get("dynamic", [])]
    ):
        raise _unknown("it is a source distribution of which only a build tells what it needs")
    return tuple(said.get("requires_dist", ()))


def read_metadata(path: str, file: IO[bytes]) -> bytes:
    """Read the metadata of a distribution as it stands there; `InvalidMetadata` where there is none."""
    try:
        body = _metadata(path, file)
    except _UNREADABLE as error:
        raise _unknown(f"its metadata cannot be read: {error!s:.200}") from error
    if body is None or len(body) > _LARGEST:
        raise _unknown("it has no metadata that can be read within bounds")
    return body


def parse_metadata(body: bytes) -> RawMetadata:
    """Read the fields of core metadata; `InvalidMetadata` for what would take its reader without end."""
    names = set()
    for line in body.splitlines():
        if not line:
            break
        if (found := _FIELD.match(line)) is not None:
            names.add(found[0].lower())
    # The parser goes through all fields once for each name.
    if len(names) > _MOST_FIELDS:
        raise _unknown(f"its metadata has {len(names)} different fields")
    try:
        return parse_email(body)[0]
    except RecursionError as error:
        raise _unknown("its metadata is nested too deep") from error


def _unknown(reason: str) -> InvalidMetadata:
    return InvalidMetadata(reason, remedy="name in include what it needs")


def _is_settled(version: str, dynamic: list[str]) -> bool:
    try:
        return Version(version) >= _SETTLED and "requires-dist" not in dynamic
    except ValueError:  # no version, or one of more digits than Python turns into a number
        return False


def _metadata(path: str, file: IO[bytes]) -> bytes | None:
    if path.endswith(".metadata"):
        return file.read(_LARGEST + 1)
    if path.endswith((".tar.gz", ".tgz")):
        return _in_tar(file)
    return _in_zip(file, _IN_WHEEL if path.endswith(".whl") else _IN_SDIST)


def _in_zip(file: IO[bytes], name: re.Pattern[str]) -> bytes | None:
    # A directory is read whole when the archive is opened: its size is looked at first.
    file.seek(max(0, file.seek(0, 2) - 65_600))
    tail = file.read()
    end = tail.rfind(_END)
    if end < 0 or _END_64 in tail[max(0, end - 20) : end] or len(tail) < end + 22:
        return None
    if struct.unpack_from("<L", tail, end + 12)[0] > _LARGEST_DIRECTORY:
        return None
    with zipfile.ZipFile(file) as archive:
        found = [info for info in archive.infolist() if name.fullmatch(info.filename)]
        # Other ways to compress are unpacked without a bound.
        if len(found) != 1 or found[0].compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            return None
        with archive.open(found[0]) as member:
            return member.read(_LARGEST + 1)


def _in_tar(file: IO[bytes]) -> bytes | None:
    with _Bounded(fileobj=file) as unpacked, tarfile.open(fileobj=unpacked, mode="r:") as archive:
        while (member := archive.next()) is not None:
            archive.members.clear()  # type: ignore[attr-defined]  # grows without end; its type leaves it out
            if member.isfile() and member.size <= _LARGEST and _IN_SDIST.fullmatch(member.name):
                body = archive.extractfile(member)
                return body.read() if body is not None else None
    return None


class _Bounded(gzip.GzipFile):
    """An archive that is read so far and no further, and little at a time.

    What one member says of itself may go on from block to block: it counts as a whole.
    """

    _since_sought = 0

    def read(self, size: int | None = -1) -> bytes:
        if size is None or size < 0 or self._since_sought + size > _LARGEST + tarfile.RECORDSIZE:
            raise ValueError("a header of the archive is too large")
        self._since_sought += size
        return super().read(size)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if offset > _REACH:
            raise ValueError("its metadata lies too deep in the archive")
        self._since_sought = 0
        return super().seek(offset, whence)

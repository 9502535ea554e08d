"""Finds a package's core metadata, within bounds, and what it says of the licence."""

from __future__ import annotations

import gzip
import io
import re
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Mapping
from typing import IO, NamedTuple

from packaging.metadata import parse_email

from entrepot_licenses.classifiers import CLASSIFIERS
from entrepot_licenses.policy import canonical

#: Bytes of metadata, of a directory of an archive, and bytes into an archive that are looked at.
LARGEST, _LARGEST_DIRECTORY, _REACH = 1024**2, 16 * 1024**2, 1024**3
_IN_WHEEL, _IN_SDIST = re.compile(r"[^/]+\.dist-info/METADATA"), re.compile(r"[^/]+/PKG-INFO")
_END, _END_64 = b"PK\x05\x06", b"PK\x06\x07"


class Said(NamedTuple):
    """What a package says: an expression in canonical form, or None and the words that are none."""

    expression: str | None
    words: str = ""


def tells(path: str) -> bool:
    """Whether metadata can be read from a file of this name."""
    return path.endswith((".metadata", ".whl", ".tar.gz", ".zip"))


def read_license(path: str, file: IO[bytes], means: Mapping[str, str]) -> Said:
    """Read what a metadata file, a wheel or a source distribution says; never more than its bounds."""
    try:
        body = _metadata(path, file)
    except (OSError, ValueError, RuntimeError, EOFError, tarfile.TarError, zipfile.BadZipFile, zlib.error) as error:
        return Said(None, f"its metadata cannot be read: {error}")
    if body is None or len(body) > LARGEST:
        return Said(None, "it has no metadata that can be read within bounds")
    return license_of(body, means)


def license_of(metadata: bytes, means: Mapping[str, str]) -> Said:
    """Take the expression; without one, classifiers together with a free text that is an expression."""
    raw, _ = parse_email(metadata)
    expression = raw.get("license_expression")
    if expression is not None:
        return Said(canonical(expression), expression)
    classified = [text.rpartition(" :: ")[2] for text in raw.get("classifiers", []) if text.startswith("License :: ")]
    named = [words for words in classified if words != "OSI Approved"]
    known = [means.get(words.casefold()) or CLASSIFIERS.get(words) for words in named]
    free = raw.get("license", "").strip()
    from_free = means.get(free.casefold()) or canonical(free)
    if not named or from_free is not None:
        named, known = [*named, free], [*known, from_free]
    if any(each is None for each in known):
        return Said(None, "; ".join(words for words, each in zip(named, known, strict=True) if each is None))
    told = sorted({f"({each})" if " OR " in each else each for each in known if each})
    return Said(canonical(" AND ".join(told)))


def _metadata(path: str, file: IO[bytes]) -> bytes | None:
    if path.endswith(".metadata"):
        return file.read(LARGEST + 1)
    if path.endswith(".tar.gz"):
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
            return member.read(LARGEST + 1)


def _in_tar(file: IO[bytes]) -> bytes | None:
    with _Bounded(fileobj=file) as unpacked, tarfile.open(fileobj=unpacked, mode="r:") as archive:
        while (member := archive.next()) is not None:
            archive.members.clear()  # type: ignore[attr-defined]  # grows without end; its type leaves it out
            if member.isfile() and member.size <= LARGEST and _IN_SDIST.fullmatch(member.name):
                body = archive.extractfile(member)
                return body.read() if body is not None else None
    return None


class _Bounded(gzip.GzipFile):
    """An archive that is read so far and no further, and little at a time."""

    def read(self, size: int | None = -1) -> bytes:
        if size is None or not 0 <= size <= LARGEST:
            raise ValueError("a header of the archive is too large")
        return super().read(size)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if offset > _REACH:
            raise ValueError("its metadata lies too deep in the archive")
        return super().seek(offset, whence)

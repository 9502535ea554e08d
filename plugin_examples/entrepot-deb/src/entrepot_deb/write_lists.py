"""Writes lists of packages and the Release that names them, the same bytes for the same content."""

from __future__ import annotations

import gzip
import hashlib
import lzma
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Final

import attrs

from entrepot_deb.content import DebRelease

#: How hard lists are packed: little is gained beyond, for much time.
_XZ, _GZIP = 3, 6

_PIECE: Final = 1024 * 1024


@attrs.frozen
class WrittenFile:
    """A file of a suite, by its path below the suite; `file` is None for one that nobody asks for."""

    path: str
    sha256: str
    size: int
    file: Path | None

    @property
    def by_hash(self) -> str:
        """Where it is by its digest."""
        folder, slash, _ = self.path.rpartition("/")
        return f"{folder}{slash}by-hash/SHA256/{self.sha256}"


class ListWriter:
    """A list that is being written: plain, to be digested, and packed, to be served."""

    def __init__(self, path: str, folder: Path) -> None:
        self._path = path
        self._plain = (folder / "plain").open("w+b")
        self._folder = folder
        self._is_first = True

    def write(self, paragraphs: Iterable[str]) -> None:
        """Add paragraphs, an empty line between two."""
        for paragraph in paragraphs:
            self._plain.write(("" if self._is_first else "\n").encode() + paragraph.encode())
            self._is_first = False

    def finish(self) -> Iterator[WrittenFile]:
        """Pack it; the plain one is named too, as clients check what they have unpacked."""
        with self._plain as plain:
            yield _written(self._path, plain, None)
            for end, packed in ((".gz", self._folder / "gz"), (".xz", self._folder / "xz")):
                plain.seek(0)
                with packed.open("w+b") as file:
                    _pack(plain, file, end)
                    yield _written(f"{self._path}{end}", file, packed)


def list_path(component: str, architecture: str) -> str:
    """Where a list is below its suite."""
    if architecture == "source":
        return f"{component}/source/Sources"
    return f"{component}/binary-{architecture}/Packages"


def write_release(release: DebRelease, files: Sequence[WrittenFile], *, snapshots: str = "") -> bytes:
    """Write a Release (Debian wiki, RepositoryFormat), perhaps with where apt finds earlier ones.

    Its date is the one of the archive's own, so that the same content is the same bytes.
    """
    said = dict(release.said)
    fields = {
        **{name: said.pop(name) for name in ("Origin", "Label", "Suite", "Version") if name in said},
        "Codename": release.codename,
        "Date": release.date,
        "Acquire-By-Hash": "yes",
        "Architectures": " ".join(release.architectures),
        "Components": " ".join(release.components),
        "Snapshots": snapshots,
        **said,
    }
    lines = [f"{name}: {value}\n" for name, value in fields.items() if value]
    lines.append("SHA256:\n")
    lines += [f" {file.sha256} {file.size:>16} {file.path}\n" for file in sorted(files, key=lambda file: file.path)]
    return "".join(lines).encode()


def _written(path: str, file: BinaryIO, kept: Path | None) -> WrittenFile:
    file.flush()
    file.seek(0)
    digest = hashlib.sha256()
    while piece := file.read(_PIECE):
        digest.update(piece)
    return WrittenFile(path, digest.hexdigest(), file.tell(), kept)


def _pack(plain: BinaryIO, packed: BinaryIO, end: str) -> None:
    with (
        gzip.GzipFile(filename="", mode="wb", compresslevel=_GZIP, fileobj=packed, mtime=0)
        if end == ".gz"
        else lzma.LZMAFile(packed, "wb", preset=_XZ)
    ) as into:
        while piece := plain.read(_PIECE):
            into.write(piece)

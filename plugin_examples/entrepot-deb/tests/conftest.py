"""An archive that signs what it lists, and a depot that mirrors it."""

from __future__ import annotations

import bz2
import datetime
import email.utils
import functools
import gzip
import hashlib
import importlib
import io
import lzma
import sys
import tarfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest
from pysequoia import SignatureMode, Tsk, sign

import entrepot_deb.plugin
from entrepot.testing import BadOrigin, depot

NOON = datetime.datetime(2026, 1, 2, 12, tzinfo=datetime.UTC)


def sha256(body: bytes) -> str:
    """The digest as indices have it."""
    return hashlib.sha256(body).hexdigest()


def make_deb(control: str) -> bytes:
    """A binary package that holds nothing but its control file (deb(5))."""
    parts = {
        "debian-binary": b"2.0\n",
        "control.tar.xz": _tar({"./control": control.encode()}),
        "data.tar.xz": _tar({}),
    }
    entries = b"".join(
        f"{name:16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(body):<10}`\n".encode() + body + b"\n" * (len(body) % 2)
        for name, body in parts.items()
    )
    return b"!<arch>\n" + entries


def _md5(body: bytes) -> str:
    return hashlib.md5(body, usedforsecurity=False).hexdigest()


def _tar(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:xz") as tar:
        for name, body in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(body)
            tar.addfile(entry, io.BytesIO(body))
    return packed.getvalue()


@attrs.define
class Archive:
    """A suite `stable` with components `main` and `extra`; change it, and `publish`."""

    origin: BadOrigin
    key: Tsk = attrs.field(factory=lambda: Tsk.generate(user_id="archive"))
    moment: datetime.datetime = NOON
    valid_until: datetime.datetime | None = None
    by_hash: bool = True
    inline: bool = True
    #: More that its Release says, in lines.
    said: str = ""
    #: Paragraphs of packages by component, architecture and file name; bodies of pool files by path.
    lists: dict[tuple[str, str], dict[str, str]] = attrs.field(factory=dict)
    pool: dict[str, bytes] = attrs.field(factory=dict)
    more: dict[str, bytes] = attrs.field(factory=dict)
    #: What is served, by path below the archive.
    served: dict[str, bytes] = attrs.field(factory=dict)

    def add(
        self, name: str, version: str, *, component: str = "main", architecture: str = "amd64", said: str = ""
    ) -> str:
        """Put a package into the pool and list it; where its file is."""
        control = (
            f"Package: {name}\nVersion: {version}\nArchitecture: {architecture}\nMaintainer: us <us@archive.example>\n"
        )
        control += f"{said}Description: {name}\n"
        body = make_deb(control)
        path = f"pool/{component}/{name}/{name}_{version.rpartition(':')[2]}_{architecture}.deb"
        self.pool[path] = body
        paragraph = f"{control}Filename: {path}\nSize: {len(body)}\nSHA256: {sha256(body)}\n"
        self.lists.setdefault((component, architecture), {})[path] = paragraph
        return path

    def add_source(self, name: str, version: str, *, component: str = "main") -> list[str]:
        """Put a source package into the pool and list it; where its files are."""
        folder = f"pool/{component}/{name}"
        tar = _tar({f"{name}/hello": b"hello"})
        own = f"{name}_{version}.tar.xz"
        dsc = (
            f"Format: 3.0 (native)\nSource: {name}\nBinary: {name}\nArchitecture: any\nVersion: {version}\n"
            f"Maintainer: us <us@archive.example>\nChecksums-Sha256:\n {sha256(tar)} {len(tar)} {own}\n"
            f"Files:\n {_md5(tar)} {len(tar)} {own}\n"
        ).encode()
        files = {f"{name}_{version}.dsc": dsc, own: tar}
        sums = "".join(f" {sha256(body)} {len(body)} {file}\n" for file, body in files.items())
        md5 = "".join(f" {_md5(body)} {len(body)} {file}\n" for file, body in files.items())
        paragraph = (
            f"Package: {name}\nBinary: {name}\nVersion: {version}\nArchitecture: any\nFormat: 3.0 (native)\n"
            f"Directory: {folder}\nFiles:\n{md5}Checksums-Sha256:\n{sums}"
        )
        self.lists.setdefault((component, "source"), {})[folder + version] = paragraph
        self.pool |= {f"{folder}/{file}": body for file, body in files.items()}
        return [f"{folder}/{file}" for file in files]

    def indices(self) -> dict[str, bytes]:
        """Every index by its path below the suite, plain and packed."""
        found = dict(self.more)
        for (component, architecture), paragraphs in self.lists.items():
            source = architecture == "source"
            path = f"{component}/source/Sources" if source else f"{component}/binary-{architecture}/Packages"
            body = "\n".join(paragraphs.values()).encode()
            found |= {path: body, f"{path}.gz": gzip.compress(body, mtime=0), f"{path}.xz": lzma.compress(body)}
        return found

    def release(self, indices: dict[str, bytes]) -> bytes:
        """The Release file that lists them."""
        until = f"Valid-Until: {_written(self.valid_until)}\n" if self.valid_until else ""
        lines = "".join(f" {sha256(body)} {len(body):8} {path}\n" for path, body in indices.items())
        architectures = sorted({architecture for _, architecture in self.lists} - {"source"})
        return (
            f"Origin: Archive\nSuite: stable\nCodename: stable\nDate: {_written(self.moment)}\n{until}{self.said}"
            f"Architectures: {' '.join(architectures)}\nComponents: {' '.join(sorted({c for c, _ in self.lists}))}\n"
            f"Acquire-By-Hash: {'yes' if self.by_hash else 'no'}\nSHA256:\n{lines}"
        ).encode()

    def publish(self) -> None:
        """Serve all of it, as archives do: what is packed is not there plain, and old digests stay."""
        self.served.clear()
        indices = self.indices()
        for path, body in indices.items():
            folder, _, _ = path.rpartition("/")
            packed = f"{path}.xz" in indices
            if not packed:
                self._put(f"dists/stable/{path}", body)
            if self.by_hash and not packed:
                self._put(f"dists/stable/{folder}/by-hash/SHA256/{sha256(body)}", body)
        for path, body in self.pool.items():
            self._put(path, body)
        self.sign(self.release(indices))

    def sign(self, release: bytes) -> None:
        """Serve a Release as the archive's own."""
        signer = self.key.signer
        if self.inline:
            self._put("dists/stable/InRelease", sign(signer(), release, mode=SignatureMode.CLEAR))
        self._put("dists/stable/Release", release)
        self._put("dists/stable/Release.gpg", sign(signer(), release, mode=SignatureMode.DETACHED))

    def _put(self, path: str, body: bytes) -> None:
        self.served[path] = body
        self.origin.put(f"/debian/{path}", body)

    def keyring(self, folder: Path) -> Path:
        """Write the archive's public key."""
        file = folder / "archive.gpg"
        file.write_bytes(bytes(self.key.extract_certificate()))
        return file


def _written(moment: datetime.datetime) -> str:
    return email.utils.format_datetime(moment, usegmt=True)


def _zstd(text: bytes) -> bytes:
    """Pack it with what there is: the standard library's from Python 3.14 on."""
    if sys.version_info >= (3, 14):
        return bytes(importlib.import_module("compression.zstd").compress(text))
    return bytes(pytest.importorskip("zstandard").ZstdCompressor().compress(text))


#: How lists are packed, by the end of their names.
PACKED: dict[str, Callable[[bytes], bytes]] = {
    ".xz": lzma.compress,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".lzma": functools.partial(lzma.compress, format=lzma.FORMAT_ALONE),
    ".zst": _zstd,
    "": bytes,
}


@attrs.define
class Flat:
    """A flat archive with what an archive has, in one folder; change `files`, and `publish`."""

    archive: Archive
    folder: str = ""
    files: dict[str, bytes] = attrs.field(factory=dict)

    def publish(self, *ends: str, by_hash: bool = False) -> None:
        """Serve all packages of one architecture and all sources beside each other, and lists packed so."""
        texts = {"Packages": self._listed("amd64"), "Sources": self._listed("source")}
        indices = {f"{name}{end}": PACKED[end](text) for name, text in texts.items() for end in ends}
        self.archive.by_hash = by_hash
        # A plain list is listed whether it is there or not: apt asks for no form of one that is not.
        release = self.archive.release(texts | indices).replace(b"Components: main\n", b"")
        # Where it is empty, a blank is left at the end of a line, as by the tools that make such archives.
        release = release.replace(b"stable\n", f"{self.folder}\n".encode())
        signer = self.archive.key.signer
        for name, made in {**indices, "Release": release}.items():
            self.files[f"{self.folder}{name}"] = made
        for made in indices.values() if by_hash else ():
            self.files[f"{self.folder}by-hash/SHA256/{sha256(made)}"] = made
        self.files[f"{self.folder}InRelease"] = sign(signer(), release, mode=SignatureMode.CLEAR)
        self.files[f"{self.folder}Release.gpg"] = sign(signer(), release, mode=SignatureMode.DETACHED)
        for path, made in self.files.items():
            self.archive.origin.put(f"/debian/{path}", made)

    def _listed(self, architecture: str) -> bytes:
        paragraphs = self.archive.lists.get(("main", architecture), {})
        text = said = "\n".join(paragraphs.values())
        for path, made in self.archive.pool.items():
            folder, _, name = path.rpartition("/")
            if path in said or (f"Directory: {folder}\n" in said and not name.endswith(".deb")):
                self.files[f"{self.folder}{name}"] = made
                text = text.replace(f"Filename: {path}\n", f"Filename: ./{self.folder}{name}\n")
                text = text.replace(f"Directory: {folder}\n", f"Directory: {self.folder.removesuffix('/') or '.'}\n")
        return text.encode()


@pytest.fixture
async def archive() -> AsyncIterator[Archive]:
    """Two packages for amd64, one for arm64, and one in another component."""
    async with BadOrigin() as origin:
        made = Archive(origin)
        made.add("hello", "1.0")
        made.add("world", "2:2.0-1", said="Depends: hello (>= 1.0)\n")
        made.add("hello", "1.0", architecture="arm64")
        made.add("more", "1", component="extra")
        yield made


@pytest.fixture
def flat(archive: Archive) -> Flat:
    """The packages for amd64 and a source, in one folder."""
    archive.lists = {("main", "amd64"): archive.lists["main", "amd64"]}
    archive.add_source("hello", "1.0")
    return Flat(archive)


Open = Callable[..., AbstractContextManager[Any]]


@pytest.fixture
def open_depot(tmp_path: Path, archive: Archive) -> Open:
    """Open the depot; arguments are options, and other keys of the repository's table."""

    @contextmanager
    def opened(options: dict[str, Any] | None = None, **table: Any) -> Iterator[Any]:
        said = {"suites": ["stable"], "keyring": str(archive.keyring(tmp_path)), **(options or {})}
        said = {name: value for name, value in said.items() if value is not None}
        tools = {"type": "deb", "url": archive.origin.url("/debian"), "allow_private": True, "mirror": True}
        tools |= {"retries": 0, "options": said, **table}
        clock = table.pop("clock", None) or (lambda: NOON.timestamp() + 3600)
        tools.pop("clock", None)
        plugins = [("deb", entrepot_deb.plugin)]
        with depot(tmp_path / "depot", {"tools": tools}, plugins=plugins, installed=False, clock=clock) as made:
            yield made

    return opened

"""What entrepot asks of every plugin, asked of this one: stage, first stages, publisher."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar
from urllib.parse import quote

import entrepot_file.plugin
from entrepot.plugin import Artifact, DeclarativeArtifact, DeclarativeContent, Remote, Stage
from entrepot.testing.first_stage_contract import FirstStageContract
from entrepot.testing.format_contract import FormatContract, Site
from entrepot.testing.publisher_contract import PublisherContract
from entrepot.testing.stage_contract import StageContract, mark_stored
from entrepot.testing.strategies import Files
from entrepot_file.content import FileContent
from entrepot_file.note_sizes import NoteSizes
from entrepot_file.pulp_manifest import write_line as manifest_line
from entrepot_file.sha256sums import write_line as sums_line

SHA256 = "0a" * 32


class TestNoteSizes(StageContract):
    """The stage that notes sizes."""

    def make_stage(self) -> Stage:
        return NoteSizes()

    def make_units(self, count: int) -> Sequence[DeclarativeContent]:
        return [mark_stored(self.make_unit(f"file-{number}")) for number in range(count)]

    def make_unit(self, path: str) -> DeclarativeContent:
        remote = Remote("https://mirror.example/")
        artifact = DeclarativeArtifact(Artifact(SHA256), f"https://mirror.example/{path}", path, remote)
        return DeclarativeContent(FileContent(path, SHA256), [artifact])


class Listed(FormatContract):
    """A web server with files and a list of them."""

    plugins: ClassVar[Sequence[tuple[str, Any]]] = [("file", entrepot_file.plugin)]
    type = "file"
    list_name: ClassVar[str]
    line: ClassVar[Callable[[str, bytes], str]]

    def lay_out(self, site: Site, files: Files) -> str:
        for path, body in files.items():
            site.origin.put(f"/{quote(path)}", body)
        text = "".join(type(self).line(path, body) for path, body in files.items())
        return site.origin.put(f"/{self.list_name}", text.encode())

    def mirror_of(self, address: str) -> str | None:
        return f"{address}/{self.list_name}"


def in_manifest(path: str, body: bytes) -> str:
    """Name a file as a manifest does."""
    return manifest_line(path, hashlib.sha256(body).hexdigest(), len(body))


def in_sums(path: str, body: bytes) -> str:
    """Name a file as a list of checksums does."""
    return sums_line(path, hashlib.sha256(body).hexdigest())


class Manifest(Listed):
    """Files that a manifest lists."""

    list_name = "PULP_MANIFEST"
    line = in_manifest


class Sums(Listed):
    """Files that a list of checksums names."""

    list_name = "SHA256SUMS"
    line = in_sums


class Tree(FormatContract):
    """A folder of this machine."""

    plugins: ClassVar[Sequence[tuple[str, Any]]] = [("file", entrepot_file.plugin)]
    type = "file"
    hostile = ()

    def lay_out(self, site: Site, files: Files) -> str:
        root = site.folder / "files"
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir()
        for path, body in files.items():
            (root / path).parent.mkdir(exist_ok=True)
            (root / path).write_bytes(body)
        return root.as_uri()


class TestReadManifest(Manifest, FirstStageContract):
    """The first stage, on a manifest."""


class TestReadSums(Sums, FirstStageContract):
    """The first stage, on checksums."""


class TestReadTree(Tree, FirstStageContract):
    """The first stage that walks a folder."""


class Lists(PublisherContract):
    """Both lists, as they are published."""

    def links(self, path: str, body: bytes) -> Iterable[str]:
        lines = body.decode().splitlines()
        if path == "PULP_MANIFEST":
            return [quote(line.rsplit(",", 2)[0]) for line in lines]
        return [quote(line.split("  ", 1)[1]) for line in lines]


class TestListsOfManifest(Manifest, Lists):
    """Where sizes are known."""


class TestListsOfSums(Sums, Lists):
    """Where sizes are learnt from the bytes."""


class TestListsOfTree(Tree, Lists):
    """Where the upstream had no list."""

"""What entrepot asks of every plugin, asked of this one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import entrepot_bundle.plugin
from entrepot.plugin import Artifact, DeclarativeArtifact, DeclarativeContent, Remote, Stage
from entrepot.testing.first_stage_contract import FirstStageContract
from entrepot.testing.format_contract import Site
from entrepot.testing.stage_contract import StageContract, mark_stored
from entrepot.testing.strategies import Files
from entrepot_bundle.content import Blob
from entrepot_bundle.stages import NoteNeeds


def _inside(folder: str, files: Files) -> Files:
    return {path: body for path, body in files.items() if path.startswith(f"{folder}/")}


def _listing(files: Mapping[str, bytes]) -> bytes:
    said = [(path, hashlib.sha256(body).hexdigest(), len(body)) for path, body in sorted(files.items())]
    return json.dumps({"files": [dict(zip(("path", "sha256", "size"), each, strict=True)) for each in said]}).encode()


class TestReadBundles(FirstStageContract):
    """The first stage, with all that stands behind it."""

    plugins: ClassVar[Sequence[tuple[str, Any]]] = [("bundle", entrepot_bundle.plugin)]
    type = "bundle"

    def lay_out(self, site: Site, files: Files) -> str:
        for path, body in {**files, **self.listings(files)}.items():
            site.origin.put(f"/{path}", body)
        return site.origin.url("/index.json")

    def listings(self, files: Files) -> dict[str, bytes]:
        folders = sorted({path.partition("/")[0] for path in files})
        manifests = {f"{folder}.json": _listing(_inside(folder, files)) for folder in folders}
        return {**manifests, "index.json": _listing(manifests)}


class TestNoteNeeds(StageContract):
    """The stage that notes what a manifest needs; here, on blobs, which it lets pass."""

    def make_stage(self) -> Stage:
        return NoteNeeds()

    def make_units(self, count: int) -> Sequence[DeclarativeContent]:
        return [mark_stored(self.make_blob(f"blob-{number}")) for number in range(count)]

    def make_blob(self, path: str) -> DeclarativeContent:
        remote = Remote("https://mirror.example/")
        artifact = DeclarativeArtifact(Artifact("0a" * 32), f"https://mirror.example/{path}", path, remote)
        return DeclarativeContent(Blob(path, "0a" * 32), [artifact])

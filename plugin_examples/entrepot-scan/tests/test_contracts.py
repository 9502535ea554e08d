"""What entrepot asks of every stage, asked of this one in a running sync."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar

import attrs

import entrepot_file.plugin
from entrepot.plugin import Artifact, Content, DeclarativeArtifact, DeclarativeContent, Fetched, Remote, Stage, key
from entrepot.testing import depot, running
from entrepot.testing.stage_contract import StageContract
from entrepot_scan.options import ScanOptions
from entrepot_scan.stage import ScanArtifacts


@attrs.frozen
class Body(Content):
    """A file."""

    TYPE = "example.body"

    name: str = key()


class TestScanArtifacts(StageContract):
    """Units whose files are here, and few of them bad; each command is a process."""

    many: ClassVar[int] = 500
    patience: ClassVar[float] = 30.0

    def make_stage(self) -> Stage:
        command = ("/bin/sh", "-c", 'cat "$@" | grep -q EICAR && exit 1; exit 0', "scan", "{paths}")
        return ScanArtifacts(ScanOptions(command))

    @asynccontextmanager
    async def open_context(self, folder: Path) -> AsyncIterator[object]:
        self.folder = folder / "bodies"
        self.folder.mkdir()
        table = {"files": {"type": "file", "url": self.folder.as_uri()}}
        plugins = [("file", entrepot_file.plugin)]
        with depot(folder / "depot", table, plugins=plugins, installed=False) as opened:
            async with running(opened, "files") as context:
                self.storage: Any = opened.storage
                yield context

    def make_units(self, count: int) -> Sequence[DeclarativeContent]:
        return [self.make_unit(number) for number in range(count)]

    def make_unit(self, number: int) -> DeclarativeContent:
        artifact = DeclarativeArtifact(
            Artifact(), "https://mirror.example/x", str(number), Remote("https://mirror.example/")
        )
        incoming = self.storage.receive(Artifact())
        incoming.write(b"EICAR" if number % 250 == 9 else b"fine")
        artifact.state = Fetched(incoming.finish())
        return DeclarativeContent(Body(str(number)), [artifact])

"""The built-in stages keep what the contract of stages promises, each in a running sync of a depot."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from entrepot.assembly.sync_run import SyncRun
from entrepot.model.artifact import Artifact
from entrepot.model.content import Content
from entrepot.model.declarative import DeclarativeArtifact, DeclarativeContent
from entrepot.stages.artifact_downloader import ArtifactDownloader
from entrepot.stages.artifact_saver import ArtifactSaver
from entrepot.stages.content_unassociation import ContentUnassociation
from entrepot.stages.query_existing_artifacts import QueryExistingArtifacts
from entrepot.stages.query_existing_contents import QueryExistingContents
from entrepot.stages.resolve_content_futures import ResolveContentFutures
from entrepot.stages.stage import Stage
from entrepot.testing.bad_origin import BadOrigin
from entrepot.testing.bad_replies import Reply
from entrepot.testing.depots import depot
from entrepot.testing.running import running
from entrepot.testing.stage_contract import StageContract
from integration import firmware
from integration.firmware import Firmware

BODY = b"the bytes of every file"
SHA256 = hashlib.sha256(BODY).hexdigest()


class InADepot(StageContract):
    """The contract, in a depot with an upstream that serves one body everywhere."""

    many = 1100
    context: SyncRun

    @asynccontextmanager
    async def open_context(self, folder: Path) -> AsyncIterator[object]:
        async with BadOrigin() as self.origin:
            self.origin.on("*", Reply.file(BODY))
            table = {"type": "firmware", "url": self.origin.url("/feed.json"), "retries": 0, "allow_private": True}
            plugins = [("firmware", firmware)]
            with depot(folder / "depot", {"fw": table}, plugins=plugins, installed=False) as opened:
                async with running(opened, "fw") as self.context:
                    yield self.context

    def make_units(self, count: int) -> Sequence[DeclarativeContent]:
        return [self.make_unit(str(number)) for number in range(count)]

    def make_unit(self, name: str) -> DeclarativeContent:
        remote, url = self.context.remote, self.origin.url(f"/{name}")
        artifact = DeclarativeArtifact(Artifact(SHA256, len(BODY)), url, name, remote)
        content: Content = Firmware(name, SHA256)
        return DeclarativeContent(content, [artifact])


@pytest.mark.sweep
class TestQueryExistingArtifacts(InADepot):
    """Finds bytes."""

    def make_stage(self) -> Stage:
        return QueryExistingArtifacts()


class TestArtifactDownloader(InADepot):
    """Downloads them, and lets small ones overtake large ones."""

    many = 60
    keeps_order = False

    def make_stage(self) -> Stage:
        return ArtifactDownloader()


@pytest.mark.sweep
class TestArtifactSaver(InADepot):
    """Keeps what was downloaded; here nothing was, as for units that are deferred."""

    def make_unit(self, name: str) -> DeclarativeContent:
        unit = super().make_unit(name)
        unit.d_artifacts[0].deferred_download = True
        return unit

    def make_stage(self) -> Stage:
        return ArtifactSaver()


class TestQueryExistingContents(InADepot):
    """Finds statements."""

    def make_stage(self) -> Stage:
        return QueryExistingContents()


@pytest.mark.sweep
class TestContentUnassociation(InADepot):
    """Asks the seal to remove what was not declared."""

    def make_stage(self) -> Stage:
        return ContentUnassociation()


class TestResolveContentFutures(StageContract):
    """Wakes whoever waits; it needs no depot."""

    def make_stage(self) -> Stage:
        return ResolveContentFutures()

    def make_units(self, count: int) -> Sequence[DeclarativeContent]:
        return [DeclarativeContent(Firmware(str(number))) for number in range(count)]

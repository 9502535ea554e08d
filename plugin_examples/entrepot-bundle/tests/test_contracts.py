"""What entrepot asks of every plugin, asked of this one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import pytest

import entrepot_bundle.plugin
from entrepot.plugin import Artifact, DeclarativeArtifact, DeclarativeContent, EntrepotError, Remote, Stage
from entrepot.testing import Reply
from entrepot.testing.first_stage_contract import FirstStageContract
from entrepot.testing.format_contract import Site
from entrepot.testing.stage_contract import StageContract, mark_stored
from entrepot.testing.strategies import Files
from entrepot_bundle.content import Blob
from entrepot_bundle.stages import NoteNeeds

FAULTS = {
    "gone": Reply(status=404),
    "failing": Reply(status=500),
    "cut": Reply(body=b"{" * 100, cut=50),
    "junk": Reply(body=b"<html>"),
    "empty": Reply(),
}


def listings(files: Files) -> dict[str, bytes]:
    """An index, and a manifest for each folder."""
    folders = sorted({path.partition("/")[0] for path in files})
    manifests = {
        f"{folder}.json": _listing({path: body for path, body in files.items() if path.startswith(f"{folder}/")})
        for folder in folders
    }
    return {**manifests, "index.json": _listing(manifests)}


def _listing(files: Mapping[str, bytes]) -> bytes:
    said = [(path, hashlib.sha256(body).hexdigest(), len(body)) for path, body in sorted(files.items())]
    return json.dumps({"files": [dict(zip(("path", "sha256", "size"), each, strict=True)) for each in said]}).encode()


class TestReadBundles(FirstStageContract):
    """The first stage, with all that stands behind it."""

    plugins: ClassVar[Sequence[tuple[str, Any]]] = [("bundle", entrepot_bundle.plugin)]
    type = "bundle"
    hostile = ()  # a name that leads out makes its whole manifest fail: see test_syncs.py

    def lay_out(self, site: Site, files: Files) -> str:
        for path, body in {**files, **listings(files)}.items():
            site.origin.put(f"/{path}", body)
        return site.origin.url("/index.json")

    def expected(self, files: Files) -> dict[str, bytes]:
        return {**files, **listings(files)}

    async def test_the_policy_of_the_remote_is_followed(self, bench: Any) -> None:
        """On demand, listings are here, which must be read; no blob is."""
        files = self.sample(*range(5))

        with bench.depot(bench.lay_out(files), policy="on_demand") as mirror:
            await mirror.sync()
            assert mirror.files() == {**dict.fromkeys(files), **listings(files)}

    @pytest.mark.parametrize("path", ["/index.json", "/folder-0.json"])
    @pytest.mark.parametrize("fault", sorted(FAULTS))
    async def test_a_broken_index_fails_and_changes_nothing(self, bench: Any, fault: str, path: str) -> None:
        """Of the manifests, one that is new: one that is as it was is not asked for."""
        before, after = self.sample(0, 1, 2), self.sample(0, 1, 2, 3)

        with bench.depot(bench.lay_out(before), policy="immediate") as mirror:
            await mirror.sync()
            bench.lay_out(after)
            bench.origin.damage(path, lambda _: FAULTS[fault])
            with pytest.raises((EntrepotError, ExceptionGroup)) as caught:
                await mirror.sync()
            errors = caught.value.exceptions if isinstance(caught.value, ExceptionGroup) else [caught.value]
            assert any(path in str(error) for error in errors)
            assert all(getattr(error, "remedy", "") for error in errors)
            assert mirror.files() == self.expected(before)
            bench.lay_out(after)
            await mirror.sync()
            assert mirror.files() == self.expected(after)

    async def test_units_are_made_as_they_are_taken(self, bench: Any) -> None:
        """It waits for units to be stored, which takes a whole pipeline."""
        pytest.skip("no units without the stages behind: thousands pass through short queues in test_syncs.py")


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

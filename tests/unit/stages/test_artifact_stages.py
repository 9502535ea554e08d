"""The stages that find, fetch and store bytes, each alone."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from typing import Any

import pytest

from entrepot.assembly.sync_run import SyncRun
from entrepot.errors import Failed
from entrepot.model.artifact import Artifact
from entrepot.model.declarative import DeclarativeArtifact, DeclarativeContent, Stored
from entrepot.model.digest import Digest
from entrepot.pipeline.run import create_pipeline
from entrepot.pipeline.stage import EndStage
from entrepot.stages.artifact_downloader import ArtifactDownloader
from entrepot.stages.artifact_saver import ArtifactSaver
from entrepot.stages.query_existing_artifacts import QueryExistingArtifacts
from entrepot.stages.stage import Stage
from entrepot.testing.bad_origin import BadOrigin
from entrepot.testing.bad_replies import Reply
from entrepot.testing.run_stage import run_stage
from integration.firmware import Firmware
from unit.stages.conftest import MakeUnit

BODY = b"bytes"
SHA256 = hashlib.sha256(BODY).hexdigest()


@pytest.fixture
def settings() -> dict[str, Any]:
    """One bad unit does not end these runs."""
    return {"on_error": "skip"}


def states(units: list[DeclarativeContent]) -> list[str]:
    return [type(artifact.state).__name__ for unit in units for artifact in unit.d_artifacts]


async def stored(context: SyncRun, unit: DeclarativeContent) -> None:
    await run_stage(ArtifactDownloader(), [unit], context=context)
    await run_stage(ArtifactSaver(), [unit], context=context)


async def test_what_is_missing_is_downloaded(context: SyncRun, make_unit: MakeUnit) -> None:
    """The bytes are here, verified, and not yet kept."""
    units = [make_unit(f"u{number}", sha256=SHA256, size=5) for number in range(50)]

    out = await run_stage(ArtifactDownloader(in_flight=7), units, context=context)

    assert {id(unit) for unit in out} == {id(unit) for unit in units}
    assert set(states(out)) == {"Fetched"}
    assert context.downloaded == 50


async def test_deferred_artifacts_pass_untouched(context: SyncRun, make_unit: MakeUnit, origin: BadOrigin) -> None:
    """Nothing is asked for that the policy leaves for later."""
    out = await run_stage(ArtifactDownloader(), [make_unit("u", sha256=SHA256, deferred=True)], context=context)

    assert states(out) == ["Declared"]
    assert origin.count("*.bin") == 0


async def test_a_unit_whose_bytes_cannot_be_had_is_failed(
    context: SyncRun, make_unit: MakeUnit, origin: BadOrigin
) -> None:
    """It goes no further, the others do, and whoever awaits it is told."""
    bad, good = make_unit("bad", sha256=SHA256), make_unit("good", sha256=SHA256)
    origin.on("/bad.bin", Reply(status=404))

    out = await run_stage(ArtifactDownloader(), [bad, good], context=context)

    assert out == [good]
    with pytest.raises(Failed, match="404"):
        await bad.resolution()


async def test_saved_bytes_stand_in_storage_and_in_the_catalog(context: SyncRun, make_unit: MakeUnit) -> None:
    """The state says so, and the next look-up finds them."""
    unit = make_unit("u", sha256=SHA256, size=5)

    await stored(context, unit)

    assert isinstance(unit.d_artifacts[0].state, Stored)
    again = await run_stage(QueryExistingArtifacts(), [make_unit("other", sha256=SHA256)], context=context)
    assert states(again) == ["Stored"]


async def test_the_same_bytes_twice_in_a_batch_are_kept_once(context: SyncRun, make_unit: MakeUnit) -> None:
    """Two units may declare equal bytes; both end up stored."""
    units = [make_unit("one", sha256=SHA256), make_unit("two", sha256=SHA256)]

    await run_stage(ArtifactDownloader(), units, context=context)
    out = await run_stage(ArtifactSaver(), units, context=context)

    assert states(out) == ["Stored", "Stored"]


async def test_bytes_are_found_by_whatever_strong_digest_names_them(context: SyncRun, make_unit: MakeUnit) -> None:
    """An upstream that declares sha512 alone is served from the same store."""
    sha512 = hashlib.sha512(BODY).hexdigest()
    await stored(context, make_unit("u", sha512=sha512))

    out = await run_stage(QueryExistingArtifacts(), [make_unit("v", sha512=sha512)], context=context)

    assert states(out) == ["Stored"]


async def test_a_weak_digest_finds_nothing_unless_allowed(context: SyncRun, make_unit: MakeUnit) -> None:
    """md5 could name other bytes."""
    md5 = hashlib.md5(BODY).hexdigest()  # noqa: S324  # as old upstreams declare
    await stored(context, make_unit("u", sha256=SHA256))

    out = await run_stage(QueryExistingArtifacts(), [make_unit("v", md5=md5)], context=context)

    assert states(out) == ["Declared"]


WEAK: list[dict[str, str]] = [
    {},
    {"md5": hashlib.md5(BODY).hexdigest()},  # noqa: S324  # as old upstreams declare
    {"sha1": hashlib.sha1(BODY).hexdigest()},  # noqa: S324  # likewise
]


@pytest.mark.fault("B13")
@pytest.mark.promise("P12")
@pytest.mark.parametrize("deferred", [False, True], ids=["at once", "later"])
@pytest.mark.parametrize("digests", WEAK, ids=["no digest", "md5", "sha1"])
async def test_bytes_that_nothing_strong_names_are_not_asked_for(
    context: SyncRun, make_unit: MakeUnit, origin: BadOrigin, digests: dict[str, str], deferred: bool
) -> None:
    """Whenever they would be fetched; the unit fails, and the error says where and what to do."""
    unit, good = make_unit("u", deferred=deferred, **digests), make_unit("good", sha256=SHA256)

    out = [unit, good]
    for stage in (QueryExistingArtifacts(), ArtifactDownloader(), ArtifactSaver()):
        out = await run_stage(stage, out, context=context)

    assert out == [good]
    assert unit.outcome is not None
    assert "no digest stronger than sha1" in unit.outcome.what
    assert unit.outcome.where == origin.url("/u.bin")
    assert "allow_weak_digests = true" in unit.outcome.remedy
    assert origin.count("/u.bin") == 0


@pytest.mark.promise("P12")
async def test_a_local_file_is_taken_at_its_own_word(context: SyncRun, tmp_path: Path) -> None:
    """Its bytes are here: what they are is computed, and nobody could change them on their way."""
    (tmp_path / "local").write_bytes(BODY)
    unit = DeclarativeContent(Firmware("u"), [DeclarativeArtifact(Artifact(file=tmp_path / "local"), None, "u.bin")])

    await stored(context, unit)

    assert unit.links[0].digest.hex() == SHA256


class TestAllowed:
    """What the operator's word changes."""

    @pytest.fixture
    def settings(self) -> dict[str, Any]:
        """The word, and a run that goes on."""
        return {"on_error": "skip", "allow_weak_digests": True}

    @pytest.mark.promise("P12")
    @pytest.mark.parametrize("digests", WEAK, ids=["no digest", "md5", "sha1"])
    async def test_what_is_weak_is_taken(self, context: SyncRun, make_unit: MakeUnit, digests: dict[str, str]) -> None:
        """And still verified by what there is, and kept under its sha256."""
        unit = make_unit("u", **digests)
        bad = make_unit("bad", b"other", md5="0" * 32)

        await stored(context, unit)
        out = await run_stage(ArtifactDownloader(), [bad], context=context)

        assert states([unit]) == ["Stored"]
        assert await context.ledger.find_artifacts([Digest("sha256", bytes.fromhex(SHA256))]) != [None]
        assert out == []

    @pytest.mark.promise("P12")
    async def test_nothing_without_any_digest_is_left_for_later(self, context: SyncRun, make_unit: MakeUnit) -> None:
        """Nobody could tell what came; a weak one is allowed."""
        blind, weak = make_unit("u", deferred=True), make_unit("v", deferred=True, **WEAK[1])

        assert await run_stage(QueryExistingArtifacts(), [blind, weak], context=context) == [weak]

        assert blind.outcome is not None
        assert 'policy = "immediate"' in blind.outcome.remedy


async def test_a_unit_left_out_drops_what_was_fetched_for_it(context: SyncRun, make_unit: MakeUnit) -> None:
    """Bytes and budget go back at once."""
    unit = make_unit("u", sha256=SHA256)
    await run_stage(ArtifactDownloader(), [unit], context=context)
    assert states([unit]) == ["Fetched"]

    unit.leave_out(Failed("u", ValueError("x")))

    assert states([unit]) == ["Declared"]


async def test_units_with_several_artifacts_share_the_budget_without_waiting_for_each_other(
    context: SyncRun, make_unit: MakeUnit, origin: BadOrigin
) -> None:
    """More bytes than the budget holds, two artifacts a unit: all are stored, none waits for ever."""
    units = []
    for number in range(12):
        small = bytes([number]) * 6_000_000
        unit = make_unit(f"u{number}", small, sha256=hashlib.sha256(small).hexdigest())
        body = bytes([number]) * 30_000_000
        url, expected = origin.put(f"/u{number}.meta", body), Artifact(hashlib.sha256(body).hexdigest(), len(body))
        unit.d_artifacts.append(DeclarativeArtifact(expected, url, f"u{number}.meta", context.remote))
        units.append(unit)

    class Source(Stage):
        async def run(self) -> None:
            for unit in units:
                await self.put(unit)

    stages = [Source(), ArtifactDownloader(), ArtifactSaver(), EndStage()]
    await asyncio.wait_for(create_pipeline(stages, context=context), 120)

    assert set(states(units)) == {"Stored"}

"""The stages that find, save and associate content, each alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from entrepot.assembly.sync_run import SyncRun
from entrepot.errors import EntrepotError
from entrepot.model.declarative import DeclarativeContent
from entrepot.stages.content_association import ContentAssociation
from entrepot.stages.content_saver import ContentSaver
from entrepot.stages.content_unassociation import ContentUnassociation
from entrepot.stages.query_existing_contents import QueryExistingContents
from entrepot.stages.remote_artifact_saver import RemoteArtifactSaver
from entrepot.stages.resolve_content_futures import ResolveContentFutures
from entrepot.testing.run_stage import run_stage
from integration.firmware import Firmware
from unit.stages.conftest import MakeUnit

ZEROS = "0" * 64


@pytest.fixture
def settings() -> dict[str, Any]:
    """One bad unit does not end these runs."""
    return {"on_error": "skip"}


async def saved(context: SyncRun, units: list[DeclarativeContent]) -> list[DeclarativeContent]:
    return await run_stage(ContentSaver(), units, context=context)


async def test_what_was_saved_is_found(context: SyncRun, make_unit: MakeUnit) -> None:
    """An equal statement is the same content, whoever declares it."""
    (first,) = await saved(context, [make_unit("u", sha256=ZEROS, deferred=True)])

    (again,) = await run_stage(QueryExistingContents(), [make_unit("u", sha256=ZEROS, deferred=True)], context=context)

    assert again.content_id == first.content_id


async def test_a_statement_that_says_something_else_is_not_found(context: SyncRun, make_unit: MakeUnit) -> None:
    """The same thing with another value is another content."""
    await saved(context, [make_unit("u", sha256=ZEROS, deferred=True)])
    other = make_unit("u", sha256=ZEROS, deferred=True)
    other.content = Firmware("u", yanked=True)

    (looked_for,) = await run_stage(QueryExistingContents(), [other], context=context)

    assert looked_for.content_id is None


async def test_the_same_statement_twice_in_a_batch_is_one_content(context: SyncRun, make_unit: MakeUnit) -> None:
    """Upstreams repeat themselves."""
    units = [make_unit("u", sha256=ZEROS, deferred=True) for _ in range(2)]

    first, second = await saved(context, units)

    assert first.content_id == second.content_id is not None


async def test_a_change_after_the_query_is_saved_as_changed(context: SyncRun, make_unit: MakeUnit) -> None:
    """A stage between query and save may change the statement: what was found is forgotten."""
    await saved(context, [make_unit("u", sha256=ZEROS, deferred=True)])
    unit = make_unit("u", sha256=ZEROS, deferred=True)
    await run_stage(QueryExistingContents(), [unit], context=context)
    found = unit.content_id

    unit.content = Firmware("u", yanked=True)
    await saved(context, [unit])

    assert unit.content_id not in (None, found)


async def test_hooks_around_the_save_run_in_its_transaction(context: SyncRun, make_unit: MakeUnit) -> None:
    """What `_post_save` raises undoes the batch: nothing of it is found afterwards."""
    seen: list[str] = []

    class Careful(ContentSaver):
        def _pre_save(self, batch: Sequence[DeclarativeContent]) -> None:
            seen.append(f"before {len(batch)}")

        def _post_save(self, batch: Sequence[DeclarativeContent]) -> None:
            seen.append(f"after {len(batch)}")
            raise EntrepotError("not like this")

    with pytest.raises(EntrepotError, match="not like this"):
        await run_stage(Careful(), [make_unit("u", sha256=ZEROS, deferred=True)], context=context)

    assert seen == ["before 1", "after 1"]
    (again,) = await run_stage(QueryExistingContents(), [make_unit("u", sha256=ZEROS, deferred=True)], context=context)
    assert again.content_id is None


async def test_places_are_noted_for_each_artifact(context: SyncRun, make_unit: MakeUnit) -> None:
    """Noting them again changes nothing."""
    units = await saved(context, [make_unit("u", sha256=ZEROS, deferred=True)])

    assert await run_stage(RemoteArtifactSaver(), units, context=context) == units
    assert await run_stage(RemoteArtifactSaver(), units, context=context) == units


async def test_whoever_awaits_is_woken(context: SyncRun, make_unit: MakeUnit) -> None:
    """The content is given to those who wait, in the stage for it."""
    units = await saved(context, [make_unit("u", sha256=ZEROS, deferred=True)])

    await run_stage(ResolveContentFutures(), units, context=context)

    assert await units[0].resolution() is units[0].content


async def test_one_key_with_two_statements_fails_the_second(context: SyncRun, make_unit: MakeUnit) -> None:
    """The first stays, the second is left out with both named."""
    first, second = make_unit("u", sha256=ZEROS, deferred=True), make_unit("u", sha256="1" * 64, deferred=True)
    await saved(context, [first, second])

    out = await run_stage(ContentAssociation(), [first, second], context=context)

    assert out == [first]
    assert second.outcome is not None
    assert str(first.content_id) in second.outcome.what
    assert str(second.content_id) in second.outcome.what


async def test_the_same_statement_declared_again_is_one_member(context: SyncRun, make_unit: MakeUnit) -> None:
    """In one batch or in two."""
    units = [make_unit("u", sha256=ZEROS, deferred=True) for _ in range(3)]
    await saved(context, units)

    await run_stage(ContentAssociation(), units[:2], context=context)
    await run_stage(ContentAssociation(), units[2:], context=context)

    assert (await context.ledger.changes()).added == 1


async def test_removal_is_asked_for_after_the_whole_stream(context: SyncRun, make_unit: MakeUnit) -> None:
    """The stage passes units on and leaves the removing to the seal."""
    unit = make_unit("u", sha256=ZEROS, deferred=True)

    assert await run_stage(ContentUnassociation(), [unit], context=context) == [unit]

    assert context.unassociate

"""What of a plan and of a stream is tried again."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import attrs
import pytest

from entrepot.assembly.default_plan import default_plan
from entrepot.assembly.retry import Retry
from entrepot.model.content import Content, key
from entrepot.model.declarative import DeclarativeContent
from entrepot.model.ledger import FailureRow
from entrepot.pipeline.edits import after, before
from entrepot.pipeline.stage import Stage as AnyStage
from entrepot.stages.query_existing_artifacts import QueryExistingArtifacts
from entrepot.stages.retry_failed import RetryFailed
from entrepot.stages.stage import Stage
from entrepot.testing.run_stage import run_stage


@attrs.frozen
class Thing(Content):
    TYPE = "retry.thing"
    name: str = key()


class First(Stage):
    """A first stage; only its place matters here."""

    async def run(self) -> None:
        """Declare nothing."""


class Expanding(First):
    """A plugin's stage that makes units out of others; only its place matters here."""


def unit(name: str, scope: str | None = None) -> DeclarativeContent:
    return DeclarativeContent(Thing(name), scope=scope)


def failure(name: str, stage: str, scope: str | None = None) -> FailureRow:
    return FailureRow(unit(name).key, stage, "builtin", "it failed", None, scope)


@pytest.mark.parametrize("edit", [after(First, Expanding()), before(QueryExistingArtifacts, Expanding())])
def test_it_stands_behind_what_plugins_put_first(edit: Any) -> None:
    """A unit that failed may have been made out of one that did not."""
    plan = default_plan(First(), plugin="things", mirror=True).edited({"expanding": [edit]})

    steps = [step.name for step in Retry(frozenset(), frozenset()).within(plan).steps]

    assert steps[:4] == ["First", "Expanding", "RetryFailed", "QueryExistingArtifacts"]


def test_a_whole_scope_is_tried_where_the_first_stage_gave_up() -> None:
    """A later stage gave up on one unit; what the first stage gave up on may have named others."""
    failures = [failure("a", "First", "red"), failure("b", "ArtifactDownloader", "blue"), failure("c", "First")]

    retry = Retry.of(failures, first_stage="First")

    assert retry.scopes == {"red"}
    assert retry.keys == {unit(name).key for name in "abc"}


async def test_only_those_units_pass_and_nobody_waits_for_the_others_in_vain() -> None:
    """One that somebody waits for goes on: its content may be read by whoever waits."""
    failed, scoped, other, awaited = unit("a"), unit("b", "red"), unit("c", "blue"), unit("d")
    waiting = asyncio.ensure_future(awaited.resolution())
    await asyncio.sleep(0)
    stage: AnyStage[Any] = RetryFailed(frozenset({failed.key}), frozenset({"red"}))

    passed: Sequence[DeclarativeContent] = await run_stage(stage, [failed, scoped, other, awaited])

    assert passed == [failed, scoped, awaited]
    assert await other.resolution() == Thing("c")
    waiting.cancel()


def test_what_fell_because_it_needs_what_failed_is_tried_as_well() -> None:
    """Its scope is not: only units are known of it, whoever named them."""
    retry = Retry.of([failure("a", "ArtifactDownloader")], [unit("b", "red").key], first_stage="First")

    assert retry == Retry(frozenset({unit("a").key, unit("b").key}), frozenset())

"""The stage alone, and among units that need each other."""

from __future__ import annotations

import datetime
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import attrs
import pytest

import entrepot_cooldown.plugin
from entrepot.plugin import (
    Artifact,
    Content,
    DeclarativeArtifact,
    DeclarativeContent,
    FirstStage,
    Remote,
    Stage,
    facts,
    hookimpl,
    key,
    key_of,
)
from entrepot.testing import depot, running, sync
from entrepot.testing.stage_contract import StageContract
from entrepot_cooldown.options import CooldownOptions, judge
from entrepot_cooldown.stage import Cooldown

DAY = 86400.0
NOW = datetime.datetime(2026, 11, 1, tzinfo=datetime.UTC).timestamp()
MONTH = CooldownOptions(datetime.timedelta(days=30))
FROZEN = attrs.evolve(MONTH, freeze=datetime.date(2026, 10, 31))


@attrs.frozen
class Thing(Content):
    """Something that says how many days ago it was published."""

    TYPE = "aging.thing"

    name: str = key()
    days_ago: float | None = None

    def published_at(self) -> datetime.datetime | None:
        if self.days_ago is None:
            return None
        return datetime.datetime.fromtimestamp(NOW - self.days_ago * DAY, datetime.UTC)


def unit(name: str, days_ago: float | None, *, needs: Sequence[str] = (), bare: bool = False) -> DeclarativeContent:
    """A unit with one artifact for later, or with none."""
    remote, path = Remote("https://index.example/"), f"{name}.bin"
    artifact = DeclarativeArtifact(
        Artifact("0a" * 32), f"https://index.example/{path}", path, remote, deferred_download=True
    )
    depends_on = [key_of(Thing, other) for other in needs]
    return DeclarativeContent(Thing(name, days_ago), [] if bare else [artifact], depends_on=depends_on)


class Things(Stage):
    """Puts on what it is given."""

    gives = frozenset({facts.DECLARED})

    def __init__(self, units: Sequence[DeclarativeContent]) -> None:
        self.units = units

    async def run(self) -> None:
        for each in self.units:
            await self.put(each)


@attrs.frozen
class AgingPlugin:
    """Brings the type `things`, which declares these units."""

    units: Sequence[DeclarativeContent] = ()

    @hookimpl
    def entrepot_register_content_types(self) -> Sequence[type[Content]]:
        return [Thing]

    @hookimpl
    def entrepot_register_first_stages(self) -> Sequence[FirstStage]:
        return [FirstStage("things", make=lambda _: Things(self.units))]


class TestCooldown(StageContract):
    """What entrepot asks of every stage."""

    @asynccontextmanager
    async def open_context(self, folder: Path) -> AsyncIterator[object]:
        table = {"type": "things", "url": "https://index.example/"}
        with depot(
            folder, {"aging": table}, plugins=[("things", AgingPlugin())], installed=False, clock=lambda: NOW
        ) as opened:
            async with running(opened, "aging") as run:
                yield run

    def make_stage(self) -> Stage:
        return Cooldown(MONTH)

    def make_units(self, count: int) -> Sequence[DeclarativeContent]:
        # Each that is held is a durable commit: few of many, so that a slow disk is no trouble.
        return [unit(str(number), 1 if number % 15 == 0 else 90, bare=number % 7 == 0) for number in range(count)]


async def test_what_needs_something_held_is_held_with_it(tmp_path: Path) -> None:
    """By the chain, with nothing to do for this plugin; what has no artifact itself, a tag for one, too."""
    units = [
        unit("old", 90),
        unit("young", 1),
        unit("needs-young", 90, needs=["young"]),
        unit("tag", None, needs=["needs-young"], bare=True),
        unit("needs-old", 90, needs=["old"]),
    ]
    table = {"type": "things", "url": "https://index.example/", "policy": "on_demand"}
    cooled = {**table, "plugins": {"cooldown": {"min_age": "30d"}}}
    plugins = [("things", AgingPlugin(tuple(units))), ("cooldown", entrepot_cooldown.plugin)]
    with depot(tmp_path, {"aging": cooled}, plugins=plugins, installed=False, clock=lambda: NOW) as opened:
        outcome = await sync(opened, "aging")

        rules = {json.loads(row["key"])[1]: row["rule"] for row in outcome.report["refusals"]}
        assert rules == {"young": "min-age-by-upstream", "needs-young": "needs", "tag": "needs"}
        assert outcome.added == 2


@pytest.mark.parametrize(
    ("options", "published", "first_seen", "expected"),
    [
        (MONTH, NOW - 30 * DAY, NOW, None),
        (MONTH, NOW - 30 * DAY + 1, NOW, ("min-age-by-upstream", NOW + 1)),
        (MONTH, None, NOW - 90 * DAY, ("unknown-age", None)),
        (MONTH, NOW + 5 * DAY, NOW, ("min-age-by-upstream", NOW + 35 * DAY)),
        (attrs.evolve(MONTH, by="first_seen"), None, NOW - 30 * DAY, None),
        (attrs.evolve(MONTH, by="first_seen"), 0.0, NOW, ("min-age-by-first-seen", NOW + 30 * DAY)),
        (attrs.evolve(MONTH, by="both"), NOW - DAY, NOW - 2 * DAY, ("min-age-by-upstream", NOW + 29 * DAY)),
        (attrs.evolve(MONTH, by="both"), NOW - 2 * DAY, NOW - DAY, ("min-age-by-first-seen", NOW + 29 * DAY)),
        (attrs.evolve(MONTH, by="both"), None, NOW - 90 * DAY, ("unknown-age", None)),
        (
            attrs.evolve(MONTH, freeze=datetime.date(2026, 10, 31)),
            NOW - 1,
            NOW,
            ("min-age-by-upstream", NOW + 30 * DAY - 1),
        ),
        (FROZEN, NOW, NOW, ("freeze", None)),
    ],
)
def test_of_several_reasons_the_one_that_lasts_longest_is_told(
    options: CooldownOptions, published: float | None, first_seen: float, expected: tuple[str, float | None] | None
) -> None:
    """To the second; what upstream claims of the future is younger than anything."""
    held = judge(options, published, first_seen, NOW)

    assert (None if held is None else (held.rule, held.until)) == expected


def test_no_moment_that_an_upstream_can_claim_is_too_late_to_be_told() -> None:
    """The last one that a date can write, and a month on."""
    last = datetime.datetime.max.replace(tzinfo=datetime.UTC).timestamp()

    held = judge(MONTH, last, NOW, NOW)

    assert held is not None
    assert "is due 9999-12-30" in held.reason

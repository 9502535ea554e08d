"""A plan in which a stage would not find what it needs is refused."""

from __future__ import annotations

from typing import Any

import pytest

from entrepot.errors import StageTooLate, UnmetNeed
from entrepot.pipeline.check import check
from entrepot.pipeline.edits import after, before, move_after, remove, replace
from entrepot.pipeline.plan import Plan
from entrepot.pipeline.stage import EndStage, Stage
from entrepot.pipeline.step import Step


class Blank(Stage[Any]):
    """Do nothing; only what it says of itself matters here."""

    async def run(self) -> None:
        return


class First(Blank):
    """Begin."""


class Fetch(Blank):
    """Bring."""

    needs = frozenset({"declared"})
    gives = frozenset({"downloaded"})


class Save(Blank):
    """Keep."""

    needs = frozenset({"downloaded"})
    gives = frozenset({"saved"})


class Filter(Blank):
    """Leave out, before anything is fetched."""

    needs = frozenset({"declared"})
    precedes = frozenset({"downloaded"})


class Repack(Blank):
    """Change the bytes."""

    needs = frozenset({"downloaded"})
    spoils = frozenset({"downloaded"})


class FetchAgain(Blank):
    """Bring back."""

    gives = frozenset({"downloaded"})


def default_plan() -> Plan:
    stages: list[Stage[Any]] = [First(), Fetch(), Save(), EndStage()]
    return Plan((Step(type(stage).__name__, stage, "builtin") for stage in stages), first_gives={"declared"})


def test_the_default_plan_holds() -> None:
    """With what the first stage gives, whatever its class says."""
    check(default_plan())

    assert default_plan().rows()[0]["gives"] == ["declared"]
    with pytest.raises(UnmetNeed, match="'Fetch' needs 'declared', and no stage before it gives that"):
        check(Plan(default_plan().steps))


def test_a_provider_that_was_taken_away_is_named_with_the_plugin_that_did() -> None:
    """By removing it, or by replacing it with a stage that gives less."""
    for edit in (remove(Fetch), replace(Fetch, Blank())):
        with pytest.raises(UnmetNeed, match="plugin 'scan' took away stage 'Fetch', which gives that") as raised:
            check(default_plan().edited({"scan": [edit]}))
        assert (raised.value.stage, raised.value.fact, raised.value.plugin) == ("Save", "downloaded", "scan")
        assert "--block scan" in raised.value.remedy


def test_a_provider_that_was_replaced_by_an_equal_is_not_missed() -> None:
    """Facts count, not classes."""
    check(default_plan().edited({"scan": [replace(Fetch, FetchAgain())]}))


def test_a_stage_put_too_early_is_told_after_which_one_it_may_stand() -> None:
    """And when the provider was moved, that plugin is named."""
    with pytest.raises(UnmetNeed, match="stage 'Fetch' of plugin 'builtin' gives that only after it") as raised:
        check(default_plan().edited({"early": [before(Fetch, Repack())]}))
    assert raised.value.plugin == "early"

    with pytest.raises(UnmetNeed, match="only after it") as raised:
        check(default_plan().edited({"mover": [move_after(Fetch, Save)]}))
    assert (raised.value.stage, raised.value.plugin) == ("Save", "mover")


def test_a_spoiled_fact_holds_no_longer() -> None:
    """Unless it is given again; whoever spoiled it is named."""
    with pytest.raises(UnmetNeed, match="stage 'Repack' of plugin 'packer', before it, spoils that") as raised:
        check(default_plan().edited({"packer": [after(Fetch, Repack())]}))
    assert (raised.value.stage, raised.value.plugin) == ("Save", "packer")

    check(default_plan().edited({"packer": [after(Fetch, Repack()), after(Repack, FetchAgain())]}))
    check(default_plan().edited({"packer": [after(Save, Repack())]}))


def test_a_stage_that_must_come_before_a_fact_is_refused_after_it() -> None:
    """A filter that sees units only once they are downloaded would save nothing."""
    check(default_plan().edited({"filters": [before(Fetch, Filter())]}))

    with pytest.raises(StageTooLate, match="'Filter' must stand before 'downloaded' is given") as raised:
        check(default_plan().edited({"filters": [after(Fetch, Filter())]}))

    assert raised.value.where == "the plan, edited by plugin 'filters'"
    assert raised.value.remedy == "let plugin 'filters' put it there with before(Fetch, Filter(...))"


def test_a_fact_that_was_spoiled_since_was_given_all_the_same() -> None:
    """`precedes` looks at all that happened before."""
    with pytest.raises(StageTooLate):
        check(default_plan().edited({"p": [after(Save, Repack()), after(Repack, Filter())]}))


def test_a_misspelt_fact_is_guessed() -> None:
    """Nobody gives it, and one that is given is near."""

    class Misspelt(Blank):
        needs = frozenset({"downlaoded"})

    with pytest.raises(UnmetNeed, match="did you mean 'downloaded'"):
        check(default_plan().edited({"p": [after(Fetch, Misspelt())]}))

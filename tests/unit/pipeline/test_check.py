"""A plan in which a stage would not find what it needs is refused."""

from __future__ import annotations

from typing import Any

import pytest

from entrepot.errors import StageTooLate, UnmetNeed
from entrepot.pipeline.check import check
from entrepot.pipeline.edits import after, before, move_after, move_before, remove, replace
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


def test_what_the_whole_is_for_is_needed_at_its_end() -> None:
    """Though no stage says so."""
    plan = Plan(default_plan().steps, first_gives={"declared"}, last_needs={"saved"})
    check(plan)

    with pytest.raises(UnmetNeed, match="'EndStage' needs 'saved', and plugin 'ant' took away stage 'Save'"):
        check(plan.edited({"ant": [remove(Save)]}))
    assert plan.rows()[-1]["needs"] == ["saved"]


def test_a_provider_that_was_replaced_by_an_equal_is_not_missed() -> None:
    """Facts count, not classes."""
    check(default_plan().edited({"scan": [replace(Fetch, FetchAgain())]}))


def test_a_stage_put_too_early_is_told_after_which_one_it_may_stand() -> None:
    """And when the provider was moved, that plugin is named."""
    with pytest.raises(UnmetNeed, match="stage 'Fetch' of plugin 'builtin' gives that only after it") as raised:
        check(default_plan().edited({"early": [before(Fetch, Repack())]}))
    assert raised.value.plugin == "early"
    told = "let plugin 'early' put it there with after(Fetch, Repack(...)), or use --block early"
    assert raised.value.remedy == told

    with pytest.raises(UnmetNeed, match="only after it") as raised:
        check(default_plan().edited({"mover": [move_after(Fetch, Save)]}))
    assert (raised.value.stage, raised.value.plugin) == ("Save", "mover")
    told = "take the edit of plugin 'mover' back that moved 'Fetch': it has to stand before 'Save'"
    assert raised.value.remedy == f"{told}; or use --block mover"


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

    assert raised.value.where == "stage 'Filter' of plugin 'filters', the plan, edited by plugin 'filters'"
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


class Label(Blank):
    """Read the bytes."""

    needs = frozenset({"downloaded"})


def test_whoever_moved_a_stage_is_named_though_another_put_it_there() -> None:
    """Also where it was moved along with what it stands next to."""
    for put, move in (
        (after(Fetch, Label()), move_before(Label, Fetch)),
        (before(Save, Label()), move_before(Save, Fetch)),
    ):
        with pytest.raises(UnmetNeed, match="only after it, because plugin 'mover' moved 'Label'") as raised:
            check(default_plan().edited({"ant": [put], "mover": [move]}))
        assert (raised.value.stage, raised.value.plugin) == ("Label", "mover")
        told = "take the edit of plugin 'mover' back that moved 'Label': it has to stand after 'Fetch'"
        assert raised.value.remedy == f"{told}; or use --block mover"


def test_whoever_moved_what_a_stage_must_precede_is_named() -> None:
    """The filter stands where it was put."""
    longer = default_plan().edited({"builtin": [after(First, Blank())]})
    check(longer.edited({"filters": [after("Blank", Filter())]}))

    with pytest.raises(StageTooLate, match="earlier, because plugin 'mover' moved 'Fetch'") as raised:
        check(longer.edited({"filters": [after("Blank", Filter())], "mover": [move_before(Fetch, "Blank")]}))

    assert raised.value.plugin == "mover"
    told = "take the edit of plugin 'mover' back that moved 'Fetch': it has to stand after 'Filter'"
    assert raised.value.remedy == f"{told}; or use --block mover"


def test_all_who_took_a_provider_away_are_named() -> None:
    """To block one of them would not bring it back."""
    with pytest.raises(UnmetNeed, match="plugin 'ant' and plugin 'bee' took away stage 'Fetch'") as raised:
        check(default_plan().edited({"ant": [remove(Fetch)], "bee": [remove(Fetch)]}))

    assert raised.value.remedy.endswith("use --block ant --block bee")


def test_whoever_took_a_provider_away_is_named_though_another_gives_the_fact_too_late() -> None:
    """Blocking the other would not help."""
    with pytest.raises(UnmetNeed, match="plugin 'ant' took away stage 'Fetch'") as raised:
        check(default_plan().edited({"ant": [remove(Fetch)], "late": [after(Save, FetchAgain())]}))

    assert raised.value.plugin == "ant"


def test_whoever_took_away_what_would_not_have_helped_is_not_named() -> None:
    """It stood after the stage that needs it, or before the one that spoils it."""
    again = default_plan().edited({"builtin": [after(Save, FetchAgain())]})
    with pytest.raises(UnmetNeed, match="stage 'Fetch' of plugin 'builtin' gives that only after it") as raised:
        check(again.edited({"ant": [remove(FetchAgain)], "mover": [move_after(Fetch, Save)]}))
    assert raised.value.plugin == "mover"

    twice = default_plan().edited({"builtin": [after(First, FetchAgain())]})
    with pytest.raises(UnmetNeed, match="'Repack' of plugin 'packer', before it, spoils that") as raised:
        check(twice.edited({"ant": [remove(FetchAgain)], "packer": [after(Fetch, Repack())]}))
    assert raised.value.plugin == "packer"


def test_a_fact_that_nobody_had_given_is_not_said_to_be_spoiled() -> None:
    """To stand before that stage would not help."""

    class Forget(Blank):
        spoils = frozenset({"downloaded"})

    with pytest.raises(UnmetNeed, match="gives that only after it") as raised:
        check(default_plan().edited({"ant": [before(Fetch, Forget())], "bee": [before(Fetch, Label())]}))
    assert raised.value.plugin == "bee"

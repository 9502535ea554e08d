"""Edits of many plugins, drawn at random, beside a small model of the rules."""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from entrepot.errors import PlanConflict, PlanError, UnknownStage
from entrepot.pipeline.edits import Edit, after, before, move_after, move_before, remove, replace
from entrepot.pipeline.plan import Plan
from entrepot.pipeline.stage import EndStage, Stage
from entrepot.pipeline.step import Step
from unit.pipeline.plan_model import AFTER, BEFORE, Wish, verdict

DEFAULT = ["First", "Query", "Fetch", "Save", "EndStage"]
BROUGHT = ["A", "B", "C", "D", "E"]
PLUGINS = ["ant", "bee", "cat", "dog"]


class Blank(Stage[Any]):
    """Do nothing; only its place matters here."""

    async def run(self) -> None:
        return


CLASSES: dict[str, type[Stage[Any]]] = {name: type(name, (Blank,), {}) for name in [*DEFAULT[:-1], *BROUGHT]}
CLASSES["EndStage"] = EndStage

anchors = st.sampled_from([*DEFAULT[1:-1] * 3, *BROUGHT * 2, "First", "EndStage"])
sides = st.sampled_from([BEFORE, AFTER])
optional = st.sampled_from([True, True, True, False])
puts = st.builds(Wish, st.just("put"), anchors, st.sampled_from(BROUGHT), side=sides, optional=optional)
wishes = st.one_of(
    puts,
    puts,
    st.builds(Wish, st.just("replace"), anchors, st.sampled_from(BROUGHT), optional=optional),
    st.builds(Wish, st.just("remove"), anchors, optional=optional),
    st.builds(Wish, st.just("move"), anchors, target=anchors, side=sides, optional=optional),
)
plugins = st.dictionaries(st.sampled_from(PLUGINS), st.lists(wishes, min_size=1, max_size=3), min_size=1)


def default_plan() -> Plan:
    """Stages of which nothing is known but their names, between the ends."""
    return Plan(Step(name, CLASSES[name](), "builtin") for name in DEFAULT)


def edit(wish: Wish, *, by_class: bool) -> Edit:
    """A wish as a plugin would write it, with classes or with names."""
    anchor, target = (CLASSES.get(name, name) if by_class else name for name in (wish.anchor, wish.target))
    match wish.kind, wish.side:
        case "put", side:
            return (before if side == BEFORE else after)(anchor, CLASSES[wish.stage](), optional=wish.optional)
        case "replace", _:
            return replace(anchor, CLASSES[wish.stage](), optional=wish.optional)
        case "remove", _:
            return remove(anchor, optional=wish.optional)
        case _, side:
            return (move_before if side == BEFORE else move_after)(anchor, target, optional=wish.optional)


def written(said: Mapping[str, Sequence[Wish]], *, by_class: bool = True) -> dict[str, list[Edit]]:
    """The edits of each plugin."""
    return {plugin: [edit(wish, by_class=by_class) for wish in each] for plugin, each in said.items()}


def outcome(plan: Plan, edits: Mapping[str, Sequence[Edit]]) -> object:
    """All that is to be seen of an edited plan, or of its error."""
    try:
        edited = plan.edited(edits)
    except PlanError as error:
        return type(error).__name__, str(error)
    absent = [(gone.name, gone.plugin, type(gone.followed_by).__name__) for gone in edited.absent]
    return edited.rows(), [(id(step.stage), step.moved_by) for step in edited.steps], absent


def no_order_matters(said: Mapping[str, Sequence[Wish]]) -> None:
    """Ask the plugins in every order: the same stages in the same places, or the same words."""
    plan, edits = default_plan(), written(said)
    results = [outcome(plan, dict(order)) for order in itertools.permutations(edits.items())]

    assert all(result == results[0] for result in results)


def the_rules_hold(said: Mapping[str, Sequence[Wish]]) -> None:
    """Compare with the model, anchors being classes or names."""
    expected = verdict(DEFAULT, said)
    event("problems" if expected.problems else "a plan")
    for by_class in (True, False):
        named, steps = None, None
        try:
            steps = default_plan().edited(written(said, by_class=by_class)).steps
        except (PlanConflict, UnknownStage) as error:
            named = set(error.plugins) if isinstance(error, PlanConflict) else {error.plugin}
        if named is not None:
            assert any(named <= problem for problem in expected.problems)
        else:
            assert expected.problems == []
            assert [(step.name, step.edited_by) for step in steps or ()] == expected.steps


def nobody_is_in_the_way(said: Mapping[str, Sequence[Wish]], anchor: str, side: int) -> None:
    """Install one more plugin whose stage nobody names, then take it out again."""
    plan, edits = default_plan(), written(said)
    without = outcome(plan, edits)
    lone = type("Lone", (Blank,), {})()
    more = (before if side == BEFORE else after)(anchor, lone, optional=True)
    try:
        steps = plan.edited({**edits, "bug": [more]}).steps
    except PlanError:
        steps = ()

    assert outcome(plan, edits) == without
    if steps and isinstance(without, tuple) and isinstance(without[0], list):
        others = [step.name for step in steps if step.stage is not lone]
        assert others == [row["stage"] for row in without[0]]


@settings(deadline=None, max_examples=100)
@given(plugins)
def test_the_plan_never_depends_on_the_order_in_which_plugins_are_asked(said: dict[str, list[Wish]]) -> None:
    """Nor does an error, to the letter."""
    no_order_matters(said)


@settings(deadline=None, max_examples=100)
@given(plugins)
def test_every_stage_stands_where_the_rules_say(said: dict[str, list[Wish]]) -> None:
    """Who contradicts whom is told of nobody else."""
    the_rules_hold(said)


@settings(deadline=None, max_examples=100)
@given(plugins, anchors, sides)
def test_one_plugin_more_or_less_changes_nothing_among_the_others(
    said: dict[str, list[Wish]], anchor: str, side: int
) -> None:
    """And when it is gone, it is as if it had never been there."""
    nobody_is_in_the_way(said, anchor, side)


@pytest.mark.sweep
def test_so_it_is_for_thousands_of_sets_of_plugins() -> None:
    """As many as ENTREPOT_TEST_EXAMPLES says, else five thousand for each rule."""
    many = settings(deadline=None, max_examples=int(os.environ.get("ENTREPOT_TEST_EXAMPLES", "5000")))

    many(given(plugins)(no_order_matters))()
    many(given(plugins)(the_rules_hold))()
    many(given(plugins, anchors, sides)(nobody_is_in_the_way))()

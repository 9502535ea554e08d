"""A plan as plugins edit it."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.errors import PlanConflict, PlanError, UnknownStage
from entrepot.pipeline.edits import Edit, after, before, move_after, move_before, remove, replace
from entrepot.pipeline.plan import Plan
from entrepot.pipeline.stage import EndStage, Stage
from entrepot.pipeline.step import Step


class Blank(Stage[Any]):
    """Do nothing; only its place matters here."""

    async def run(self) -> None:
        return


class First(Blank):
    """Begin."""


class Query(Blank):
    """Look up."""


class Fetch(Blank):
    """Bring."""


class Save(Blank):
    """Keep."""


class A(Blank):
    """Some plugin's stage."""


class B(Blank):
    """Another's."""


class C(Blank):
    """A third."""


class FastSave(Save):
    """Keep faster."""


def default_plan() -> Plan:
    stages: list[Stage[Any]] = [First(), Query(), Fetch(), Save(), EndStage()]
    return Plan(Step(type(stage).__name__, stage, "builtin") for stage in stages)


def order(edits: dict[str, list[Edit]]) -> list[str]:
    """Names in order, the ends left out."""
    steps = default_plan().edited(edits).steps
    assert (steps[0].name, steps[-1].name) == ("First", "EndStage")
    return [step.name for step in steps[1:-1]]


def test_a_stage_stands_before_or_after_its_anchor() -> None:
    """Named by class or by the name of the class."""
    assert order({"p": [before(Fetch, A()), after("Fetch", B())]}) == ["Query", "A", "Fetch", "B", "Save"]
    assert order({"p": [after(First, A()), before(EndStage, B())]}) == ["A", "Query", "Fetch", "Save", "B"]


def test_without_edits_the_plan_stays_as_it_is() -> None:
    """Also when plugins have nothing to say."""
    plan = default_plan()

    assert plan.edited({}) == plan.edited({"p": [], "q": []}) == plan


def test_edits_at_one_anchor_stand_in_order_of_plugin_name() -> None:
    """Those of one plugin as it lists them, on either side."""
    edits: dict[str, list[Edit]] = {
        "zebra": [after(Fetch, A()), before(Fetch, B())],
        "ant": [after(Fetch, C()), after(Fetch, FastSave()), before(Fetch, Blank())],
    }

    assert order(edits) == ["Query", "Blank", "B", "Fetch", "C", "FastSave", "A", "Save"]


def test_what_is_moved_to_an_anchor_stands_behind_what_is_put_there() -> None:
    """Whatever the plugins are called."""
    edits: dict[str, list[Edit]] = {"ant": [move_after(Query, Save)], "zebra": [after(Save, A()), before(Query, B())]}

    assert order(edits) == ["Fetch", "Save", "A", "B", "Query"]


def test_a_moved_stage_takes_along_what_was_put_next_to_it() -> None:
    """Who said "after Query" still gets what Query gives."""
    assert order({"ant": [after(Query, A())], "bee": [move_before(Query, EndStage)]}) == ["Fetch", "Save", "Query", "A"]


def test_an_anchor_stays_valid_when_its_stage_is_replaced() -> None:
    """Under its old name, and under that of what replaces it."""
    edits: dict[str, list[Edit]] = {
        "ant": [replace(Save, FastSave())],
        "bee": [after(Save, A()), before("FastSave", B())],
    }

    assert order(edits) == ["Query", "Fetch", "B", "FastSave", "A"]


def test_an_anchor_stays_valid_as_a_ghost_when_its_stage_is_removed() -> None:
    """What was put next to it stands where it stood; two plugins may remove the same."""
    edits: dict[str, list[Edit]] = {
        "ant": [remove(Fetch)],
        "bee": [after(Fetch, A()), before(Fetch, B())],
        "cat": [remove("Fetch")],
    }

    assert order(edits) == ["Query", "B", "A", "Save"]


def test_an_anchor_that_another_plugin_brings_is_waited_for() -> None:
    """In chains, and in whatever order the plugins are named."""
    edits: dict[str, list[Edit]] = {"ant": [after("B", A())], "bee": [after("C", B())], "cat": [after(Query, C())]}

    assert order(edits) == ["Query", "C", "B", "A", "Fetch", "Save"]


def test_an_anchor_that_never_appears_is_an_error_that_names_the_plugin() -> None:
    """With a guess at what was meant."""
    with pytest.raises(UnknownStage, match="no stage 'Ftech' in the plan; did you mean 'Fetch'") as raised:
        order({"p": [after("Ftech", A())]})
    assert raised.value.where == "the edits of plugin 'p'"
    assert "EndStage, Fetch, First, Query, Save" in raised.value.remedy

    for edit in (
        replace("Nothing", A()),
        remove("Nothing"),
        move_after("Nothing", Fetch),
        move_before(Fetch, "Nothing"),
    ):
        with pytest.raises(UnknownStage):
            order({"p": [edit]})


def test_an_optional_edit_may_have_no_anchor() -> None:
    """It is left out, with what hangs on it if that is optional too."""
    optional: dict[str, list[Edit]] = {
        "p": [after("Nothing", A(), optional=True), remove("Nothing", optional=True), after(A, B(), optional=True)]
    }

    assert order(optional) == ["Query", "Fetch", "Save"]
    with pytest.raises(UnknownStage, match="no stage 'A'"):
        order({"p": [after("Nothing", A(), optional=True)], "q": [after(A, B())]})


def test_two_edits_of_one_place_that_contradict_each_other_name_both_plugins() -> None:
    """Two replacements, a replacement and a removal, two moves."""
    contradictions: list[tuple[Edit, Edit]] = [
        (replace(Fetch, A()), replace("Fetch", B())),
        (replace(Fetch, A()), remove(Fetch)),
        (remove(Fetch), replace(Fetch, A())),
        (replace(Fetch, A()), remove("A")),
        (move_after(Query, Save), move_after(Query, Fetch)),
        (move_after(Query, Save), move_before(Query, Save)),
    ]
    for one, other in contradictions:
        with pytest.raises(PlanConflict, match="two edits") as raised:
            order({"ant": [one], "bee": [other]})
        assert raised.value.plugins == ("ant", "bee")
        assert raised.value.where == "the edits of plugin 'ant' and plugin 'bee'"


def test_two_plugins_may_want_the_same_move() -> None:
    """They do not contradict each other, and both are named."""
    plan = default_plan().edited({"ant": [move_after(Query, Save)], "bee": [move_after("Query", "Save")]})

    assert [(step.name, step.edited_by) for step in plan.steps[2:4]] == [("Save", ()), ("Query", ("ant", "bee"))]


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(remove(First), id="remove first"),
        pytest.param(replace(First, A()), id="replace first"),
        pytest.param(move_after(First, Query), id="move first"),
        pytest.param(before(First, A()), id="before first"),
        pytest.param(move_before(Query, First), id="move before first"),
        pytest.param(remove(EndStage), id="remove end"),
        pytest.param(replace(EndStage, A()), id="replace end"),
        pytest.param(move_before(EndStage, Query), id="move end"),
        pytest.param(after(EndStage, A()), id="after end"),
        pytest.param(move_after(Query, EndStage), id="move after end"),
    ],
)
def test_the_first_stage_and_the_end_stay_where_they_are(edit: Edit) -> None:
    """A plugin that tries is named."""
    with pytest.raises(PlanConflict, match=r"end of the plan|nothing can stand") as raised:
        order({"p": [edit]})

    assert raised.value.plugins == ("p",)


def test_a_circle_of_anchors_is_told() -> None:
    """Nobody in it could be placed."""
    circles: list[dict[str, list[Edit]]] = [
        {"ant": [after("B", A())], "bee": [after("A", B())]},
        {"ant": [after("A", A())]},
        {"ant": [replace("B", A())], "bee": [replace("A", B())]},
        {"ant": [move_after(Query, Fetch)], "bee": [move_after(Fetch, Query)]},
        {"ant": [after(Query, A()), move_after(Query, A)]},
        {"ant": [move_after(Query, Query)]},
    ]
    for edits in circles:
        with pytest.raises(PlanConflict, match=r"wait for each other|in a circle") as raised:
            order(edits)
        assert "ant" in raised.value.plugins


def test_only_those_who_make_a_circle_are_named() -> None:
    """Whoever puts something next to it waits in vain, and did nothing wrong."""
    innocent = {"ant": [before("A", FastSave())], "dog": [after("A", C())]}
    circles: list[dict[str, list[Edit]]] = [
        {"bee": [after("B", A())], "cat": [after("A", B())]},
        {"bee": [after(Query, A()), move_after(Query, Fetch)], "cat": [move_after(Fetch, Query)]},
    ]
    for edits in circles:
        with pytest.raises(PlanConflict, match=r"wait for each other|in a circle") as raised:
            order({**innocent, **edits})
        assert raised.value.plugins == ("bee", "cat")


def test_a_move_that_another_asked_for_too_changes_nothing() -> None:
    """The stage stands where the first of them puts it, among others that are moved there."""
    moves: dict[str, list[Edit]] = {"ant": [move_after(Query, Save)], "bee": [move_after(Fetch, Save)]}

    assert order(moves) == order({**moves, "cat": [move_after(Query, Save)]}) == ["Save", "Query", "Fetch"]


def test_an_anchor_means_the_default_plan_first_then_its_own_plugin_then_others() -> None:
    """A plugin that brings a second stage of a known name breaks nobody's edits."""
    edits: dict[str, list[Edit]] = {
        "ant": [after(Query, A()), after("A", C())],
        "bee": [after(Save, A()), after("A", B())],
        "cat": [before(Query, Fetch()), after(Fetch, Blank())],
    }

    assert order(edits) == ["Fetch", "Query", "A", "C", "Fetch", "Blank", "Save", "A", "B"]


def test_an_anchor_that_means_two_stages_is_an_error() -> None:
    """With the plugins that bring them."""
    with pytest.raises(UnknownStage, match="'A' means more than one stage") as raised:
        order({"ant": [after(Query, A())], "bee": [after(Save, A())], "cat": [after("A", B())]})

    assert "stage 'A' of plugin 'ant', stage 'A' of plugin 'bee'" in raised.value.what


def test_a_class_also_means_its_subclass_where_there_is_none_of_its_own() -> None:
    """A default plan may have been made with a special kind of a known stage."""
    special = FastSave()
    plan = Plan([Step("First", First(), "builtin"), Step("FastSave", special, "builtin")])

    assert [step.name for step in plan.edited({"p": [before(Save, A())]}).steps] == ["First", "A", "FastSave"]


def test_one_instance_has_one_place() -> None:
    """It could not run twice; a class is no instance at all."""
    shared = A()

    with pytest.raises(PlanConflict, match="one instance of stage 'A'"):
        order({"ant": [after(Query, shared)], "bee": [after(Save, shared)]})
    with pytest.raises(PlanError, match="no instance of Stage") as raised:
        after(Query, A)  # type: ignore[arg-type]  # the slip it is about
    assert raised.value.remedy == "write A(...)"


def test_the_table_says_who_changed_what() -> None:
    """A stage's plugin is the one that brought it; `edited_by` are those who put, replaced or moved it."""
    edits: dict[str, list[Edit]] = {
        "ant": [replace(Save, FastSave()), after(Query, A())],
        "bee": [move_after(Fetch, Save), move_after(A, Save)],
    }
    plan = default_plan().edited(edits)

    assert [(row["stage"], row["plugin"], row["edited_by"]) for row in plan.rows()] == [
        ("First", "builtin", []),
        ("Query", "builtin", []),
        ("FastSave", "ant", ["ant"]),
        ("Fetch", "builtin", ["bee"]),
        ("A", "ant", ["ant", "bee"]),
        ("EndStage", "builtin", []),
    ]
    assert plan.owners[:3] == ["builtin", "builtin", "ant"]
    assert [type(stage) for stage in plan.stages[:3]] == [First, Query, FastSave]


ANCHORS: list[type[Stage[Any]]] = [Query, Fetch, Save, A, B, C]
edits_of_one = st.lists(
    st.one_of(
        st.builds(lambda anchor, make: after(anchor, make(), optional=True), *[st.sampled_from(ANCHORS)] * 2),
        st.builds(lambda anchor, make: before(anchor, make(), optional=True), *[st.sampled_from(ANCHORS)] * 2),
        st.builds(lambda anchor: remove(anchor, optional=True), st.sampled_from(ANCHORS)),
        st.builds(lambda anchor, make: replace(anchor, make(), optional=True), *[st.sampled_from(ANCHORS)] * 2),
        st.builds(lambda moved, anchor: move_after(moved, anchor, optional=True), *[st.sampled_from(ANCHORS)] * 2),
    ),
    max_size=3,
)


def outcome(edits: dict[str, list[Edit]]) -> tuple[str, object]:
    """The plan, or what was wrong; the same answer, whichever it is."""
    try:
        plan = default_plan().edited(edits)
    except PlanError as error:
        return type(error).__name__, str(error)
    return "plan", [(step.name, id(step.stage) * (step.plugin != "builtin"), step.edited_by) for step in plan.steps]


@settings(deadline=None, max_examples=150)
@given(st.dictionaries(st.sampled_from(["ant", "bee", "cat", "dog"]), edits_of_one, min_size=2, max_size=4))
def test_the_result_never_depends_on_the_order_in_which_plugins_are_asked(edits: dict[str, list[Edit]]) -> None:
    """Neither the plan nor the error; and the ends stay the ends."""
    results = [outcome(dict(permuted)) for permuted in itertools.permutations(edits.items())]

    assert all(result == results[0] for result in results)
    kind, steps = results[0]
    if kind == "plan" and isinstance(steps, list):
        assert (steps[0][0], steps[-1][0]) == ("First", "EndStage")


OTHERS: list[type[Stage[Any]]] = [Query, Fetch, Save]


@settings(deadline=None, max_examples=150)
@given(
    anchors=st.tuples(st.sampled_from([Query, Fetch, Save, B]), st.sampled_from([Query, Fetch, Save]), st.just(A)),
    sides=st.tuples(st.booleans(), st.booleans(), st.booleans()),
    moves=st.lists(st.builds(move_after, st.sampled_from(OTHERS), st.sampled_from([*OTHERS, A, B, C])), max_size=3),
    removed=st.sets(st.sampled_from(OTHERS), max_size=2),
)
def test_a_stage_stands_on_the_side_of_its_anchor_that_was_asked_for(
    anchors: tuple[type[Stage[Any]], ...],
    sides: tuple[bool, ...],
    moves: list[Edit],
    removed: set[type[Stage[Any]]],
) -> None:
    """Whatever others remove or move, and however long the chain of anchors is."""
    brought: list[type[Stage[Any]]] = [A, B, C]
    edits: dict[str, list[Edit]] = {
        stage.__name__: [(after if is_after else before)(anchor, stage())]
        for stage, anchor, is_after in zip(brought, anchors, sides, strict=True)
    }
    kind, steps = outcome({**edits, "mover": moves, "remover": [remove(stage) for stage in removed]})
    if kind != "plan" or not isinstance(steps, list):
        return

    names = [name for name, *_ in steps]

    for stage, anchor, is_after in zip(brought, anchors, sides, strict=True):
        if anchor.__name__ in names:
            assert (names.index(stage.__name__) > names.index(anchor.__name__)) == is_after
    left = [stage.__name__ for stage in OTHERS if stage not in removed]
    assert sorted(names) == sorted(["A", "B", "C", "EndStage", "First", *left])

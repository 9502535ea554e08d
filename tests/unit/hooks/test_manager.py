"""Asking plugins when a sync is assembled, and telling them of it."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import Any

import pytest

from entrepot.errors import ConfigurationError, PluginError, UpstreamError
from entrepot.hooks.specs import hookimpl
from entrepot.pipeline.edits import Edit, remove
from installed_plugins import with_plugins

PLAN: Any = "the default plan"
CONTEXT: Any = "what is known before the sync"


def editing(answer: Callable[[Any, Any], Any]) -> object:
    """A plugin that edits the plan."""

    class Editing:
        @hookimpl
        def entrepot_edit_plan(self, plan: Any, context: Any) -> Any:
            return answer(plan, context)

    return Editing()


def test_every_plugin_is_asked_in_order_of_name_and_shown_the_same() -> None:
    """Whatever the order of installation, one plan comes out."""
    asked: list[Any] = []
    made: list[Edit] = []

    def answer_as(name: str) -> Callable[[Any, Any], list[Edit]]:
        def answer(plan: Any, context: Any) -> list[Edit]:
            asked.append((name, plan, context))
            made.append(remove(name))
            return made[-1:]

        return answer

    plugins = with_plugins(*((name, editing(answer_as(name))) for name in ("z", "a", "m")))
    edits = plugins.plan_edits(PLAN, CONTEXT)

    assert asked == [(name, PLAN, CONTEXT) for name in ("a", "m", "z")]
    assert [(name, edit) for name, [edit] in edits.items()] == list(zip("amz", made, strict=True))


@pytest.mark.parametrize("answer", [None, [], ()])
def test_a_plugin_that_changes_nothing_is_not_among_the_editors(answer: object) -> None:
    """`entrepot stages` names those alone who did something."""
    plugins = with_plugins(("p", editing(lambda *_: answer)))

    assert plugins.plan_edits(PLAN, CONTEXT) == {}


def test_an_answer_may_leave_out_the_arguments_it_does_not_need() -> None:
    """So that hooks can be given more one day."""

    class Short:
        @hookimpl
        def entrepot_edit_plan(self, context: Any) -> list[Edit]:
            return [remove(context)]

    [edit] = with_plugins(("p", Short())).plan_edits(PLAN, CONTEXT)["p"]

    assert edit.anchor == CONTEXT


def test_a_plugin_that_raises_when_it_edits_is_named() -> None:
    """The run ends before it begins."""
    plugins = with_plugins(("p", editing(lambda *_: 1 / 0)))

    with pytest.raises(PluginError, match="plugin 'p' raised ZeroDivisionError") as caught:
        plugins.plan_edits(PLAN, CONTEXT)

    assert "--block p" in caught.value.remedy


def test_an_error_that_a_plugin_words_itself_is_kept_and_placed() -> None:
    """Bad options of a stage plugin are told as the plugin tells them."""

    def refuse(plan: Any, context: Any) -> Any:
        raise ConfigurationError("min_age must be positive", "cooldown", "raise it")

    with pytest.raises(ConfigurationError, match="min_age must be positive") as caught:
        with_plugins(("p", editing(refuse))).plan_edits(PLAN, CONTEXT)

    assert caught.value.where == "plugin 'p', entrepot_edit_plan, cooldown"


@pytest.mark.parametrize("answer", [5, [5], "edit"])
def test_an_answer_that_is_no_list_of_edits_is_refused_with_the_name(answer: object) -> None:
    """A forgotten pair of brackets, or a stage without a place."""
    with pytest.raises(PluginError, match=f"plugin 'p' answered {re.escape(repr(answer))} where a list of edits"):
        with_plugins(("p", editing(lambda *_: answer))).plan_edits(PLAN, CONTEXT)


@pytest.mark.fault("D09")
@pytest.mark.promise("P37")
def test_those_who_are_told_cannot_harm_the_sync(caplog: pytest.LogCaptureFixture) -> None:
    """One that raises is logged by name, and the others are told all the same."""
    told: list[Any] = []
    how_it_ended = UpstreamError("it is down")

    class Listening:
        @hookimpl
        def entrepot_on_sync_started(self, context: Any) -> None:
            told.append(context)

        @hookimpl
        def entrepot_on_sync_finished(self, context: Any, outcome: Any) -> None:
            told.append(outcome)

    class Raising:
        @hookimpl
        def entrepot_on_sync_started(self) -> None:
            raise ValueError("no")

        @hookimpl
        def entrepot_on_sync_finished(self) -> None:
            raise SystemExit("no")

    plugins = with_plugins(("a", Raising()), ("b", Listening()))
    with caplog.at_level(logging.WARNING):
        plugins.tell_started(CONTEXT)
        plugins.tell_finished(CONTEXT, how_it_ended)

    assert told == [CONTEXT, how_it_ended]
    assert [record.getMessage() for record in caplog.records] == [
        "plugin 'a' raised when told entrepot_on_sync_started",
        "plugin 'a' raised when told entrepot_on_sync_finished",
    ]


def test_the_fingerprint_changes_with_the_plugins_alone() -> None:
    """What an earlier run noted holds as long as the same plugins take part."""
    one, two = ("one", editing(lambda *_: [])), ("two", editing(lambda *_: []))

    fingerprints = [with_plugins(*extra).fingerprint() for extra in ([one, two], [two, one], [one])]

    assert fingerprints[0] == fingerprints[1] != fingerprints[2]
    assert with_plugins(one, two, blocked=["two"]).fingerprint() == fingerprints[2]

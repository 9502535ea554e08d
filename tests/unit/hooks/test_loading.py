"""Plugins that break, each in its own way, and harm nobody else."""

from __future__ import annotations

from pathlib import Path

import pytest

from entrepot.errors import ConfigurationError, PluginError
from entrepot.hooks.manager import Plugins
from entrepot.hooks.specs import hookimpl
from installed_plugins import GOOD, Builtin, found_in, importable, install, record_of, with_plugins

MARK = "from entrepot.hooks.specs import hookimpl\n"

BROKEN = {
    "does not import": ("import a_library_that_is_not_there", "a_library_that_is_not_there"),
    "is no Python": ("def (", "SyntaxError"),
    "ends the program": ("raise SystemExit(3)", "tried to end the program"),
    "raises": ("raise ValueError('first line\\nsecond line')", "ValueError: first line second line"),
    "answers nothing": ("x = 1", "answers no hook"),
    "forgot the mark": ("def entrepot_edit_plan(plan): ...", "put @hookimpl above it"),
    "asks for too much": (MARK + "@hookimpl\ndef entrepot_edit_plan(plan, weather): ...", "weather"),
    "answers what nobody asks": (MARK + "@hookimpl\ndef entrepot_edit_plam(plan): ...", "no hook 'entrepot_edit_plam'"),
    "is a coroutine": (MARK + "@hookimpl\nasync def entrepot_edit_plan(plan): ...", "is a coroutine"),
    "wraps": (MARK + "@hookimpl(wrapper=True)\ndef entrepot_edit_plan(plan):\n    return (yield)", "is a wrapper"),
    "raises when asked": (
        MARK + "@hookimpl\ndef entrepot_register_content_types():\n    return 1 / 0",
        "ZeroDivisionError",
    ),
    "ends the program when asked": (
        MARK + "@hookimpl\ndef entrepot_register_content_types():\n    raise SystemExit",
        "tried to end the program",
    ),
    "answers nonsense": (
        MARK + "@hookimpl\ndef entrepot_register_content_types():\n    return [int]",
        "an attrs class made from Content",
    ),
}


@pytest.mark.fault("G01")
@pytest.mark.promise("P37")
@pytest.mark.parametrize(("source", "reason"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_plugin_is_listed_with_the_reason_and_the_rest_works(tmp_path: Path, source: str, reason: str) -> None:
    """Only what needs the broken one will miss it."""
    install(tmp_path, "a-broken-one", source, name="a")
    install(tmp_path, "image-plugin", GOOD, name="firmware")

    plugins = found_in(tmp_path)

    record = record_of(plugins, "a")
    assert record.state == "broken"
    assert reason in record.reason
    assert "\n" not in record.reason
    assert "Traceback" in record.traceback
    assert record_of(plugins, "firmware").state == "active"
    assert "firmware.image" in plugins.content_types


def test_the_user_s_own_interrupt_is_not_laid_at_a_plugin_s_door(tmp_path: Path) -> None:
    """Ctrl-C while plugins are imported ends the program, as it should."""
    install(tmp_path, "slow", "raise KeyboardInterrupt")

    with pytest.raises(KeyboardInterrupt):
        found_in(tmp_path)


def test_what_a_broken_plugin_registered_before_it_broke_is_gone() -> None:
    """A plugin takes part whole or not at all."""

    class HalfGood:
        @hookimpl
        def entrepot_register_storages(self) -> dict[str, type]:
            return {"tape": dict}

        @hookimpl
        def entrepot_register_publishers(self) -> int:
            return 5

    plugins = with_plugins(("half", HalfGood()))

    assert record_of(plugins, "half").state == "broken"
    assert "tape" not in plugins.storages


def test_one_object_is_not_a_plugin_twice() -> None:
    """Everything it does would be done twice."""
    plugin = Builtin()

    with pytest.raises(PluginError, match="'memory'"):
        with_plugins(("a", plugin))
    plugins = Plugins.survey(builtin=plugin, extra=[("a", plugin)], installed=False)

    assert "the same object as plugin 'builtin'" in record_of(plugins, "a").reason


def test_what_is_handed_in_stands_in_for_what_is_installed(tmp_path: Path) -> None:
    """A test of a plugin runs against the working tree, also where the plugin is installed."""
    install(tmp_path, "image-plugin", "raise ValueError", name="firmware")

    class Firmware:
        @hookimpl
        def entrepot_register_storages(self) -> dict[str, type]:
            return {"tape": dict}

    with importable(tmp_path):
        plugins = Plugins.load(builtin=Builtin(), extra=[("firmware", Firmware())])

    assert record_of(plugins, "firmware").state == "active"
    assert record_of(with_plugins(("firmware", Firmware()), blocked=["firmware"]), "firmware").state == "blocked"


def test_what_core_ships_cannot_be_blocked() -> None:
    """Without it there is nowhere to keep bytes."""
    with pytest.raises(ConfigurationError, match="'builtin' cannot be blocked"):
        with_plugins(blocked=["builtin"])

"""`entrepot show NAME --options`: what can be set, and what is wrong with what is set."""

from __future__ import annotations

import datetime
import tomllib
from collections.abc import Mapping
from typing import Any, Literal

import attrs
import pytest

from entrepot.plugin import ConfigurationError, RunContext, Secret, hookimpl
from shell import Shell


@attrs.frozen
class HoldOptions:
    """How long to hold back."""

    reason: str
    min_age: datetime.timedelta = attrs.field(
        default=datetime.timedelta(days=30), metadata={"doc": "younger files are held back"}
    )
    by: Literal["upstream", "first_seen"] = "upstream"
    limit: int | None = None
    token: Secret | None = None
    weights: Mapping[str, int] = attrs.field(factory=dict)


class Hold:
    """A plugin that asks for its options when it is asked to edit a plan."""

    @hookimpl
    def entrepot_edit_plan(self, context: RunContext) -> list[Any]:
        context.plugin_options("hold", HoldOptions)
        return []


class Strict:
    """A plugin that takes no configuration whatsoever for good."""

    @hookimpl
    def entrepot_edit_plan(self) -> list[Any]:
        raise ConfigurationError("it is Monday", remedy="wait")


TABLE = """
[repositories.tools.options]
only = ["alpha"]

[repositories.tools.plugins.hold]
reason = "policy"
"""


@pytest.fixture
def shell(ready: Shell) -> Shell:
    """A shell with the plugin, and a table for it."""
    ready.plugins.append(("hold", Hold()))
    ready.configuration.write_text(ready.configuration.read_text() + TABLE)
    return ready


def test_all_that_can_be_set_is_shown_as_toml(shell: Shell) -> None:
    """What is set as it stands, the rest with its default behind a `#`; it reads back as it is."""
    out = shell("show", "tools", "--options").out

    assert tomllib.loads(out) == {
        "repositories": {"tools": {"options": {"only": ["alpha"]}, "plugins": {"hold": {"reason": "policy"}}}}
    }
    for line in (
        "[repositories.tools.plugins.hold]",
        "# How long to hold back.",
        'reason = "policy"  # text; must be set',
        "# younger files are held back",
        '# min_age = "30d"  # a duration such as \'7d\'; default "30d"',
        "# by = \"upstream\"  # one of 'upstream', 'first_seen'; default \"upstream\"",
        "# limit = 10  # a whole number; no default",
        '# token = { env = "NAME" }  # where a secret is to be had; no default',
        "# weights = {}  # a table; default {}",
        "# patience = false  # true or false; default false",
    ):
        assert line in out.splitlines()


def test_every_default_that_is_shown_is_the_default(shell: Shell) -> None:
    """Taking the `#` away before each changes nothing."""
    lines = shell("show", "tools", "--options", "--json").lines
    text = shell.configuration.read_text()
    for line in lines:
        if line["default"] is not None and line["value"] is None:
            table = f"[{line['table']}]\n"
            text = text.replace(table, f"{table}{line['key']} = {line['default']}\n")
    shell.configuration.write_text(text)

    again = shell("show", "tools", "--options", "--json").lines

    assert [{**line, "value": None} for line in again] == [{**line, "value": None} for line in lines]
    assert shell("stages", "tools").code == 0


def test_a_secret_written_out_is_not_shown(shell: Shell) -> None:
    """Where it is to be had is no secret; it itself is one, though it may not stand there."""
    text = shell.configuration.read_text()
    shell.configuration.write_text(text + 'token = "hunter2"\n')
    assert "hunter2" not in shell("show", "tools", "--options").out

    shell.environ["TOKEN"] = "hunter2"
    shell.configuration.write_text(text + 'token = { env = "TOKEN" }\n')
    out = shell("show", "tools", "--options").out
    assert "hunter2" not in out
    assert 'token = {env = "TOKEN"}' in out


def test_what_is_wrong_in_one_table_is_told_there(shell: Shell) -> None:
    """With the key and what was meant; other tables are shown all the same."""
    shell.plugins.append(("strict", Strict()))
    shell.configuration.write_text(shell.configuration.read_text().replace("reason", "raeson"))

    out = shell("show", "tools", "--options").out

    assert "# wrong: there is no key 'raeson' here; did you mean 'reason'?" in out
    assert "# wrong: it is Monday" in out
    assert "# patience = false" in out
    tomllib.loads(out)


def test_what_is_wrong_with_the_type_s_own_options_is_told_with_what_can_be_set(shell: Shell) -> None:
    """There is no plan to ask plugins about then, and the type's keys are what one needs to see."""
    shell.configuration.write_text(shell.configuration.read_text().replace("only =", "olny ="))

    out = shell("show", "tools", "--options").out

    assert "did you mean 'only'?" in out
    assert "# only = []" in out


@pytest.mark.parametrize("command", ["sync", "stages"])
def test_options_of_a_plugin_that_is_not_there_are_refused(shell: Shell, command: str) -> None:
    """Who wrote them believes that they count."""
    shell.configuration.write_text(shell.configuration.read_text().replace("plugins.hold", "plugins.hodl"))

    done = shell(command, "tools")

    assert done.code == 2
    assert "there is no plugin 'hodl'; did you mean 'hold'?" in done.err
    assert "entrepot.toml, repositories.tools.plugins.hodl" in done.err
    assert "hodl" in shell("doctor").out


def test_options_of_a_broken_plugin_are_refused(shell: Shell) -> None:
    """With the reason: without it, what it guards against would come in."""

    class Broken:
        @hookimpl
        def entrepot_edit_plan(self, nonsense: object) -> list[Any]:
            return []

    shell.plugins[-1] = ("hold", Broken())

    done = shell("sync", "tools")

    assert done.code == 2
    assert "plugin 'hold' is broken, so its options do not count" in done.err


def test_options_of_a_blocked_plugin_may_stay(shell: Shell) -> None:
    """It is left out on purpose, and the sync says that nobody reads them."""
    done = shell("sync", "tools", "--block", "hold")

    assert done.code == 0
    assert "nobody reads the options of plugin 'hold'" in done.err


def test_a_table_that_no_plugin_asks_for_is_pointed_out(shell: Shell) -> None:
    """The plugin is there, and takes nothing for this repository."""
    shell.configuration.write_text(shell.configuration.read_text() + "[repositories.tools.plugins.firmware]\nx = 1\n")

    assert "# wrong: nobody reads this table" in shell("show", "tools", "--options").out

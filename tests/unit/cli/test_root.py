"""The command line as a whole."""

from __future__ import annotations

import re

import pytest

from entrepot.cli.root import COMMANDS, load_command
from shell import Shell


def test_the_commands_stand_in_the_order_of_a_day_s_work(shell: Shell) -> None:
    """Those of plugins come after."""
    done = shell("--help")

    assert done.code == 0
    assert re.findall(r"^  ([\w-]+)  +\S", done.out.partition("Commands:")[2], re.MULTILINE) == [*COMMANDS, "flash"]


@pytest.mark.parametrize("name", COMMANDS)
def test_what_a_command_is_for_is_told_alike_in_the_list_and_by_itself(name: str, shell: Shell) -> None:
    """The list is made without importing the commands; nothing else may differ."""
    command = load_command(name)

    assert (command.name, command.short_help) == (name, COMMANDS[name])
    assert shell(name, "--help").code == 0


def test_nothing_asked_gives_help(shell: Shell) -> None:
    """And is no mistake."""
    done = shell()

    assert (done.code, done.err) == (0, "")
    assert done.out == shell("--help").out


@pytest.mark.parametrize("text", ["[depot", "[depot]\nblocked = 5", "[depot]\nblocked = ['builtin']"])
def test_help_is_to_be_had_with_a_broken_configuration(shell: Shell, text: str) -> None:
    """It is then that one needs it."""
    shell.configuration.write_text(text)

    done = shell("--help")

    assert done.code == 0
    assert all(name in done.out for name in COMMANDS)


def test_a_misspelt_command_is_answered_with_the_one_that_was_meant(shell: Shell) -> None:
    """On stderr, with exit code 2."""
    done = shell("snyc")

    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "error: there is no command 'snyc'; did you mean 'sync'?\n  where:  entrepot\n  remedy: entrepot --help\n"
    )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["sync", "--jsn"], "there is no option '--jsn'; did you mean '--json'?"),
        (["--hmoe", "x", "sync"], "there is no option '--hmoe'; did you mean '--home'?"),
        (["add", "x"], "option '--type' is missing"),
        (["versions"], "argument 'NAME' is missing"),
        (["serve", "--port", "x"], "invalid value for '--port': 'x' is not a valid integer range"),
        (["versions", "a", "b"], "got unexpected extra argument (b)"),
    ],
)
def test_a_command_line_that_makes_no_sense_is_told_so(shell: Shell, words: list[str], told: str) -> None:
    """In the words of all errors, with the help that goes with it."""
    done = shell(*words)

    assert (done.code, done.out) == (2, "")
    assert done.err.splitlines()[0] == f"error: {told}"
    assert done.err.splitlines()[2].startswith("  remedy: entrepot ")
    assert done.err.splitlines()[2].endswith("--help")


@pytest.mark.parametrize("words", [["--json", "plugins"], ["plugins", "--json"]])
def test_global_options_are_taken_before_and_after_the_command(shell: Shell, words: list[str]) -> None:
    """People type them where they think of them."""
    done = shell(*words)

    assert [line["name"] for line in done.lines] == ["builtin", "firmware"]


def test_a_plugin_s_command_runs_like_any_other(shell: Shell) -> None:
    """And its exit code is the program's."""
    done = shell("flash", "alpha")

    assert (done.code, done.out) == (4, "flashed alpha\n")


@pytest.mark.parametrize("how", ["option", "environment", "file"])
def test_a_blocked_plugin_has_no_commands(shell: Shell, how: str) -> None:
    """Each of the three ways to block one takes it out whole."""
    words = ["--block", "firmware"] if how == "option" else []
    if how == "environment":
        shell.environ["ENTREPOT_BLOCK"] = "firmware"
    if how == "file":
        shell.configuration.write_text('[depot]\nblocked = ["firmware"]')

    assert "flash" not in shell(*words, "--help").out
    assert shell(*words, "flash", "alpha").code == 2
    assert {line["name"]: line["state"] for line in shell(*words, "plugins", "--json").lines} == {
        "builtin": "active",
        "firmware": "blocked",
    }


def test_a_block_that_fits_no_plugin_is_warned_of(shell: Shell) -> None:
    """On stderr; results stay what they were."""
    done = shell("--block", "firmwear", "plugins", "--json")

    assert done.err == "warning: there is no plugin 'firmwear' to block; there are: entrepot plugins\n"
    assert len(done.lines) == 2


def test_the_version_is_told(shell: Shell) -> None:
    """Also of a checkout."""
    assert shell("--version").out.startswith("entrepot ")

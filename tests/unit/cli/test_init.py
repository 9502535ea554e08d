"""`entrepot init`."""

from __future__ import annotations

import tomllib
from pathlib import Path

from shell import Shell


def test_a_configuration_and_a_depot_are_made(shell: Shell) -> None:
    """It says where both are, and what comes next."""
    done = shell("init")

    assert done.code == 0
    assert tomllib.loads(shell.configuration.read_text()) == {"depot": {}}
    assert (shell.folder / "home" / "catalog.sqlite").is_file()
    assert str(shell.configuration) in done.out
    assert done.out.splitlines()[-1].startswith("next: entrepot add ")


def test_what_is_there_stays_as_it_is(shell: Shell) -> None:
    """Calling it again does no harm, and makes what is missing."""
    shell("init")
    shell.configuration.write_text("# mine\n")

    done = shell("init", "--json")

    assert (done.code, shell.configuration.read_text()) == (0, "# mine\n")
    assert done.lines == [
        {
            "event": "initialized",
            "file": str(shell.configuration),
            "home": str(shell.folder / "home"),
            "new": False,
        }
    ]


def test_a_home_that_was_asked_for_is_written_down(shell: Shell, tmp_path: Path) -> None:
    """Later commands find it without being told again; the environment alone is not written down."""
    del shell.environ["ENTREPOT_HOME"]

    shell("--home", str(tmp_path / "elsewhere"), "init")

    assert tomllib.loads(shell.configuration.read_text()) == {"depot": {"home": str(tmp_path / "elsewhere")}}
    assert shell("status", "--json").code == 0


def test_a_home_that_nobody_asked_for_is_told(shell: Shell) -> None:
    """It is elsewhere: on the terminal and in the file it says where, and how to have it otherwise."""
    del shell.environ["ENTREPOT_HOME"]
    usual = shell.folder / ".local" / "share" / "entrepot"
    shell.environ["ENTREPOT_CONFIG"] = str(shell.folder / "work" / "entrepot.toml")

    done = shell("init")

    file = shell.folder / "work" / "entrepot.toml"
    assert f"the depot is in {usual}; for another place, set home in {file}, and init again" in done.out
    assert f'# home = "{usual}"' in file.read_text()
    assert usual.is_dir()
    file.write_text(file.read_text().replace("[depot]", '[depot]\nhome = "depot"'))
    assert f"the depot is in {shell.folder / 'work' / 'depot'}\n" in shell("init").out


def test_the_file_can_be_named(shell: Shell, tmp_path: Path) -> None:
    """On the command line or in the environment."""
    assert shell("--config", "mine.toml", "init").code == 0
    assert (shell.folder / "mine.toml").is_file()
    shell.environ["ENTREPOT_CONFIG"] = str(tmp_path / "named.toml")

    assert shell("init").code == 0
    assert (tmp_path / "named.toml").is_file()


def test_without_init_commands_say_how_to_begin(shell: Shell) -> None:
    """Exit code 5 for a depot that is not there, with what to type."""
    done = shell("status")

    assert done.code == 5
    assert "entrepot init" in done.err

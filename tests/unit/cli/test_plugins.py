"""`entrepot plugins`."""

from __future__ import annotations

from types import ModuleType, SimpleNamespace

import click

import firmware_plugin
from entrepot.plugin import hookimpl
from shell import Shell


def test_programs_get_a_line_for_each_plugin(shell: Shell) -> None:
    """Name, version, distribution, hooks, state and reason, what it brings; nothing else."""
    shell.plugins.append(("odd", SimpleNamespace()))

    lines = {line["name"]: line for line in shell("--json", "plugins").lines}

    assert lines["firmware"] == {
        "name": "firmware",
        "version": None,
        "distribution": None,
        "hooks": [
            "entrepot_register_commands",
            "entrepot_register_content_types",
            "entrepot_register_first_stages",
            "entrepot_register_publishers",
        ],
        "state": "active",
        "reason": None,
        "content_types": ["firmware.image"],
        "repository_types": ["firmware"],
        "publishers": ["firmware"],
        "storages": [],
        "downloaders": [],
        "executors": [],
        "importers": [],
        "stages": ["FirmwareList"],
    }
    assert lines["odd"]["stages"] == lines["odd"]["content_types"] == []
    assert (lines["odd"]["state"], lines["odd"]["hooks"]) == ("broken", [])
    assert "answers no hook" in lines["odd"]["reason"]


def test_people_get_a_table(shell: Shell) -> None:
    """Of a broken plugin the reason stands where the hooks would; that it is broken is no failure of the list."""
    shell.plugins.append(("odd", SimpleNamespace()))

    done = shell("plugins")

    assert done.code == 0
    listed, brings = done.out.splitlines()[:4], done.out.splitlines()[4:]
    assert [line.split()[0] for line in listed] == ["plugin", "builtin", "firmware", "odd"]
    assert [line.partition(" brings ")[0] for line in brings] == ["builtin", "firmware"]
    assert brings[1].endswith("repository types firmware; publishers firmware; stages FirmwareList")
    assert "it answers no hook" in done.out


def test_with_debug_the_traceback_of_a_broken_plugin_is_shown(shell: Shell) -> None:
    """It is its author who asks."""
    shell.plugins.append(("odd", SimpleNamespace()))

    assert "Traceback" not in shell("plugins").err
    assert "Traceback" in shell("--debug", "plugins").err


def test_plugins_that_claim_one_thing_are_listed_before_the_error(shell: Shell) -> None:
    """All other commands refuse to start; this one shows who to take out."""
    other = ModuleType("other")
    vars(other)["entrepot_register_content_types"] = firmware_plugin.entrepot_register_content_types
    shell.plugins.append(("other", other))

    listed, refused = shell("plugins"), shell("status")

    assert (listed.code, refused.code) == (2, 2)
    assert "other" in listed.out
    for done in (listed, refused):
        assert "plugins 'firmware' and 'other' both bring content type 'firmware.image'" in done.err
        assert "--block other" in done.err


def test_commands_that_clash_or_break_are_told_too(shell: Shell) -> None:
    """Everything that plugins do at start shows here."""

    class Greedy:
        @hookimpl
        def entrepot_register_commands(self, group: click.Group) -> None:
            group.add_command(click.Command("sync"))

    class Broken:
        @hookimpl
        def entrepot_register_commands(self, group: click.Group) -> None:
            raise ValueError("no")

    shell.plugins += [("broken", Broken()), ("greedy", Greedy())]

    done = shell("plugins")

    assert done.code == 2
    assert "its commands are left out: ValueError: no" in done.out
    assert "plugins 'builtin' and 'greedy' both bring a command 'sync'" in done.err
    assert shell("--help").code == 0

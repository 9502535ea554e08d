"""`entrepot add --from-...`: repositories of what a client is configured with."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from entrepot.plugin import ConfigurationError, FirstStage, ImportContext, Imported, Importer, RunContext, hookimpl
from firmware_plugin import FirmwareList, FirmwareOptions
from shell import Done, Shell


class Client:
    """A plugin that reads a list with a URL in each line, and fails as its tests want."""

    def __init__(self, urls: Sequence[str] = (), *, error: Exception | None = None, answer: Any = None) -> None:
        self.urls, self.error, self.answer = urls, error, answer
        self.asked: list[ImportContext] = []
        self.files: Mapping[Path, str] = {}
        self.options: dict[str, Any] = {"only": ["alpha"]}

    @hookimpl
    def entrepot_register_first_stages(self) -> list[FirstStage]:
        importers = [
            Importer("some-list", self.read, takes="FILE", told="Each line of a list."),
            Importer("some-client", self.read, told="What some client has."),
        ]
        return [FirstStage("listed", make=self.make, options=FirmwareOptions, importers=importers)]

    def make(self, context: RunContext) -> FirmwareList:
        return FirmwareList(context.remote, context.options)

    def read(self, context: ImportContext) -> Any:
        self.asked.append(context)
        if self.error is not None:
            raise self.error
        if self.answer is not None:
            return self.answer
        return [
            Imported(
                url=url,
                options=self.options,
                place=f"list, line {line}",
                notes=("as it was",),
                files=self.files,
            )
            for line, url in enumerate(self.urls, 1)
        ]


def client(shell: Shell, *urls: str, error: Exception | None = None, answer: Any = None) -> Client:
    """Install one, beside an empty configuration."""
    shell.configuration.write_text("# ours\n[depot]\n")
    plugin = Client(urls, error=error, answer=answer)
    shell.plugins.append(("client", plugin))
    return plugin


def configured(shell: Shell) -> dict[str, Any]:
    """All repositories of the file."""
    repositories: dict[str, Any] = tomllib.loads(shell.configuration.read_text()).get("repositories", {})
    return repositories


def test_the_only_repository_takes_the_name(shell: Shell) -> None:
    """And the importer learns what stood behind its option, and where the configuration is."""
    plugin = client(shell, "https://a.example/list")

    done = shell("add", "tools", "--from-some-list", "/etc/list", "--json")

    assert (done.code, done.err) == (0, "")
    assert configured(shell) == {
        "tools": {"type": "listed", "url": "https://a.example/list", "options": {"only": ["alpha"]}}
    }
    assert (plugin.asked[0].given, plugin.asked[0].folder) == ("/etc/list", shell.folder)
    assert done.lines == [
        {"event": "added", "repository": "tools", "file": str(shell.configuration), "notes": ["as it was"]}
    ]


@pytest.mark.parametrize(
    ("name", "names"),
    [
        ([], ["a-example-8080-x-deb", "a-example-8080-x-deb-2", "b-example"]),
        (["old"], ["old-a-example-8080-x-deb", "old-a-example-8080-x-deb-2", "old-b-example"]),
    ],
)
def test_several_are_named_for_host_and_path(shell: Shell, name: list[str], names: list[str]) -> None:
    """No name is given twice, and the one that was asked for begins them all."""
    client(shell, "https://a.example:8080/x/deb/", "http://a.example:8080/x/deb", "https://b.example")

    done = shell("add", *name, "--from-some-client")

    assert list(configured(shell)) == names
    assert done.out.splitlines()[-1] == f"next: entrepot sync {' '.join(names)}"


def test_a_long_path_makes_a_name_that_is_none_too_long(shell: Shell) -> None:
    """Names have a limit, and so have numbered ones."""
    client(shell, f"https://a.example/{'x' * 90}", f"https://a.example/{'x' * 90}/y")

    done = shell("add", "--from-some-client")

    assert (done.code, done.err) == (0, "")
    assert [len(name) for name in configured(shell)] == [64, 62]


def test_what_is_asked_for_besides_goes_before_what_the_client_has(shell: Shell) -> None:
    """Tables are merged, and every repository gets it."""
    client(shell, "https://a.example/", "https://b.example/")

    shell("add", "--from-some-client", "--policy", "on_demand", "--set", 'only=["beta"]', "--set", "retries=2")

    for table in configured(shell).values():
        assert (table["policy"], table["retries"], table["options"]) == ("on_demand", 2, {"only": ["beta"]})


def test_options_that_are_not_asked_for_stay(shell: Shell) -> None:
    """Also beside one that is called as a place for secrets is."""
    plugin = client(shell, "https://a.example/")
    plugin.options = {"only": ["alpha"], "patience": True}

    shell("add", "tools", "--from-some-client", "--set", "patience=false")
    refused = shell("add", "more", "--from-some-client", "--set", "keyring=/k")

    assert configured(shell)["tools"]["options"] == {"only": ["alpha"], "patience": False}
    assert "no key 'keyring' here" in refused.err


def test_headers_stay_beside_those_that_are_asked_for(shell: Shell) -> None:
    """A token in the URL of the client is not lost for another header."""
    client(shell, "https://token@a.example/")

    done = shell("add", "tools", "--from-some-client", "--set", "headers.X-Team=us")

    assert "export ENTREPOT_TOOLS_AUTHORIZATION=" in done.out
    assert configured(shell)["tools"]["headers"] == {
        "Authorization": {"env": "ENTREPOT_TOOLS_AUTHORIZATION"},
        "X-Team": "us",
    }


@pytest.mark.promise("P30")
@pytest.mark.parametrize(
    ("place", "keys", "variable"),
    [
        ("me:hunter2@", {"username": "me", "password": {"env": "ENTREPOT_TOOLS_PASSWORD"}}, "ENTREPOT_TOOLS_PASSWORD"),
        (
            "hunter2@",
            {"headers": {"Authorization": {"env": "ENTREPOT_TOOLS_AUTHORIZATION"}}},
            "ENTREPOT_TOOLS_AUTHORIZATION",
        ),
        (
            "hunter2:@",
            {"headers": {"Authorization": {"env": "ENTREPOT_TOOLS_AUTHORIZATION"}}},
            "ENTREPOT_TOOLS_AUTHORIZATION",
        ),
        (
            "a%40b:hunter2@",
            {"username": "a@b", "password": {"env": "ENTREPOT_TOOLS_PASSWORD"}},
            "ENTREPOT_TOOLS_PASSWORD",
        ),
        (":hunter2@", {"username": "", "password": {"env": "ENTREPOT_TOOLS_PASSWORD"}}, "ENTREPOT_TOOLS_PASSWORD"),
    ],
)
def test_a_secret_of_a_url_is_neither_written_nor_shown(
    shell: Shell, place: str, keys: dict[str, Any], variable: str
) -> None:
    """The file names a variable instead, and a person is told to set it."""
    client(shell, f"https://{place}a.example/list")

    done = shell("add", "tools", "--from-some-client")
    table = configured(shell)["tools"]

    assert table.pop("url") == "https://a.example/list"
    assert table == {"type": "listed", "options": {"only": ["alpha"]}} | keys
    assert f"export {variable}=" in done.out
    assert "hunter2" not in done.out + done.err + shell.configuration.read_text()


def test_programs_learn_which_secrets_to_set(shell: Shell) -> None:
    """As names alone."""
    client(shell, "https://me:hunter2@a.example/list")

    done = shell("add", "tools", "--from-some-client", "--json")

    assert done.lines[0]["secrets"] == ["ENTREPOT_TOOLS_PASSWORD"]
    assert "hunter2" not in done.out


def test_a_secret_that_is_asked_for_besides_takes_the_place_of_the_variable(shell: Shell) -> None:
    """A secret is had from one place."""
    client(shell, "https://me:hunter2@a.example/list")

    done = shell("add", "tools", "--from-some-client", "--set", 'password={ file = "token" }')

    assert configured(shell)["tools"]["password"] == {"file": "token"}
    assert "ENTREPOT_TOOLS_PASSWORD" not in done.out


def refused(shell: Shell, *words: str) -> Done:
    """A command line that must write nothing."""
    before = {path: path.read_bytes() for path in shell.folder.glob("*") if path.is_file()}

    done = shell("add", *words)

    assert done.code != 0
    assert "remedy:" in done.err
    assert {path: path.read_bytes() for path in shell.folder.glob("*") if path.is_file()} == before
    return done


def test_nothing_is_written_where_one_of_them_cannot_be_used(shell: Shell) -> None:
    """The mistake is told with its place; files that tables point to are not written either."""
    plugin = client(shell, "https://a.example/", "https:///b")
    plugin.files = {shell.folder / "key.asc": "key\n"}

    done = refused(shell, "--from-some-client")

    assert "it names no host" in done.err


@pytest.mark.promise("P30")
@pytest.mark.parametrize("url", ["https://me:hunter2@[::1/list", "https://me:hunter2@a.example:x/"])
def test_a_url_that_cannot_be_read_is_told_without_it(shell: Shell, url: str) -> None:
    """Its password cannot be found in it, so none of it is shown."""
    client(shell, "https://a.example/", url)

    done = refused(shell, "--from-some-client")

    assert "its host or its port cannot be read" in done.err
    assert "where:  list, line 2" in done.err
    assert "hunter2" not in done.err


def test_mistakes_of_all_are_told_with_their_places(shell: Shell) -> None:
    """In the words of the option, and the line of the client's file."""
    client(shell, "https://a.example/", "htps://b.example/")

    done = refused(shell, "--from-some-client")

    assert "did you mean 'https'?" in done.err
    assert "where:  list, line 2" in done.err


def test_files_that_tables_point_to_are_written_before_the_configuration(shell: Shell) -> None:
    """Once: the same text again is no trouble."""
    plugin = client(shell, "https://a.example/", "https://b.example/")
    key = shell.folder / "keys" / "key.asc"
    plugin.files = {key: "a key\n"}

    first = shell("add", "--from-some-client")
    again = shell("add", "again", "--from-some-client")

    assert (first.code, again.code) == (0, 0)
    assert key.read_text() == "a key\n"


def test_a_file_that_says_something_else_is_not_written_over(shell: Shell) -> None:
    """It may be of another repository."""
    plugin = client(shell, "https://a.example/")
    (shell.folder / "key.asc").write_text("another\n")
    plugin.files = {shell.folder / "key.asc": "a key\n"}

    done = refused(shell, "--from-some-client")

    assert "says something else" in done.err


REFUSED: dict[str, tuple[list[str], str]] = {
    "a type": (["x", "--from-some-client", "--type", "firmware"], "--type and --from-some-client say the same"),
    "a url": (["x", "--from-some-client", "--url", "https://a.example/"], "--url and --from-some-client say the same"),
    "two clients": (["x", "--from-some-client", "--from-some-list", "f"], "are asked for at once"),
    "a slip": (["x", "--from-some-lst", "f"], "there is no importer 'some-lst'; did you mean 'some-list'?"),
    "no file": (["x", "--from-some-list"], "requires an argument"),
    "neither": (["x"], "option '--type' is missing"),
    "no name": (["--type", "firmware"], "argument 'NAME' is missing"),
}


@pytest.mark.parametrize(("words", "told"), REFUSED.values(), ids=REFUSED.keys())
def test_what_makes_no_sense_together_is_refused(shell: Shell, words: list[str], told: str) -> None:
    """Before any client's configuration is read."""
    plugin = client(shell, "https://a.example/")

    assert told in refused(shell, *words).err
    assert plugin.asked == []


def test_a_plugin_that_is_left_out_behind_the_name_brings_no_option(shell: Shell) -> None:
    """Global options count wherever they stand."""
    client(shell, "https://a.example/")

    done = refused(shell, "x", "--from-some-client", "--block", "client")

    assert "there is no importer 'some-client'" in done.err
    assert "such as entrepot-python" in done.err


BROKEN: dict[str, tuple[dict[str, Any], int, str]] = {
    "it raises ours": ({"error": ConfigurationError("no such list", remedy="ls")}, 2, "error: no such list"),
    "it raises another": ({"error": KeyError("x")}, 2, "plugin 'client' raised KeyError"),
    "it answers nonsense": ({"answer": "x"}, 2, "plugin 'client' answered 'x'"),
    "it answers other values": ({"answer": ["x"]}, 2, "plugin 'client' answered ['x']"),
    "it finds nothing": ({"answer": []}, 2, "names no repository"),
}


@pytest.mark.parametrize(("how", "code", "told"), BROKEN.values(), ids=BROKEN.keys())
def test_what_an_importer_does_wrong_ends_the_command(shell: Shell, how: dict[str, Any], code: int, told: str) -> None:
    """A plugin's own trouble carries its name."""
    client(shell, **how)

    done = refused(shell, "x", "--from-some-client")

    assert done.code == code
    assert told in done.err


def test_help_lists_what_plugins_bring(shell: Shell) -> None:
    """Also where the configuration cannot be read, without them."""
    client(shell)

    listed = shell("add", "--help")
    shell.configuration.write_text("depot = ")
    broken = shell("add", "--help")

    assert "--from-some-list FILE" in listed.out
    assert "Each line of a list." in listed.out
    assert (broken.code, "--from-some-list" in broken.out) == (0, False)

"""The configuration: found, read, and filled in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from entrepot.errors import ConfigurationError, UnknownName
from entrepot.model.remote import Politeness, Secret
from entrepot.settings import Settings, load
from entrepot.settings.source import blocked_plugins

WHOLE = """
[depot]
home = "data"
blocked = ["cooldown"]

[repositories.tools]
type = "python"
url = "https://index.example/simple/"
policy = "on_demand"
mirror = true
keep_versions = 10
on_error = "skip"
private = true
allow_private = true
username = "ci"
password = { env = "TOOLS_PASSWORD" }
headers = { X-Api-Key = { file = "key" }, Accept-Language = "en" }
ca_file = "ca.pem"
concurrency = 5
connect_timeout = 3

[repositories.tools.options]
include = ["pluggy", "attrs>=23"]

[repositories.tools.plugins.cooldown]
min_age = "7d"
"""


def read(folder: Path, text: str, **environ: str) -> Settings:
    """Write a configuration and load it."""
    file = folder / "entrepot.toml"
    file.write_text(text)
    return load(file, environ=environ)


def test_everything_written_is_read(tmp_path: Path) -> None:
    """One frozen value holds the whole of it."""
    settings = read(tmp_path, WHOLE, TOOLS_PASSWORD="hunter2")

    tools = settings.repository("tools")
    assert (tools.name, tools.type, tools.url) == ("tools", "python", "https://index.example/simple/")
    assert (tools.policy, tools.mirror, tools.keep_versions) == ("on_demand", True, 10)
    assert (tools.on_error, tools.private) == ("skip", True)
    assert tools.politeness == Politeness(concurrency=5, connect_timeout=3.0)
    assert tools.options == {"include": ["pluggy", "attrs>=23"]}
    assert tools.plugins == {"cooldown": {"min_age": "7d"}}
    assert tools.place == f"{tmp_path / 'entrepot.toml'}, repositories.tools"
    assert settings.blocked == ("cooldown",)


def test_secrets_come_from_where_the_configuration_says(tmp_path: Path) -> None:
    """The environment or a file beside the configuration; what is read shows nowhere."""
    (tmp_path / "key").write_text("sesame\n")
    settings = read(tmp_path, WHOLE, TOOLS_PASSWORD="hunter2")

    access = settings.repository("tools").access

    assert access.password == Secret("hunter2")
    assert access.headers == {"X-Api-Key": Secret("sesame"), "Accept-Language": "en"}
    assert (access.username, access.allow_private, access.ca_file) == ("ci", True, tmp_path / "ca.pem")
    assert not {"hunter2", "sesame"} & set(repr((settings, access)).replace("'", " ").split())


def test_a_secret_is_missed_only_by_the_repository_that_needs_it(tmp_path: Path) -> None:
    """Reading the configuration needs no secrets; the error names the variable and the key."""
    settings = read(tmp_path, WHOLE)

    with pytest.raises(ConfigurationError, match="variable 'TOOLS_PASSWORD' is not set") as caught:
        _ = settings.repository("tools").access

    assert caught.value.where.endswith("repositories.tools.password")
    assert caught.value.remedy == "set it: export TOOLS_PASSWORD=..."


@pytest.mark.parametrize("value", ["", "two\nlines"])
def test_a_secret_is_one_line(tmp_path: Path, value: str) -> None:
    """An empty variable is a mistake, and a line end would split a header; neither is repeated."""
    settings = read(tmp_path, WHOLE, TOOLS_PASSWORD=value)

    with pytest.raises(ConfigurationError, match="the secret in the environment variable 'TOOLS_PASSWORD' is") as error:
        _ = settings.repository("tools").access

    assert "lines" not in str(error.value)


def test_a_secret_s_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """With its whole path."""
    settings = read(tmp_path, WHOLE, TOOLS_PASSWORD="hunter2")

    with pytest.raises(ConfigurationError) as caught:
        _ = settings.repository("tools").access

    assert str(tmp_path / "key") in caught.value.what
    assert caught.value.where.endswith("repositories.tools.headers.X-Api-Key")


def test_a_repository_may_leave_its_url_to_its_type(tmp_path: Path) -> None:
    """Some types know where they usually look."""
    tools = read(tmp_path, '[repositories.tools]\ntype = "python"').repository("tools")

    assert tools.url is None
    assert (tools.policy, tools.mirror, tools.on_error) == ("immediate", False, "fail")
    assert tools.politeness == Politeness()


def test_where_things_lie_unless_said_otherwise(tmp_path: Path) -> None:
    """In the user's data folder, catalog and storage together."""
    plain = load(None, environ={"HOME": "/home/ada"}, folder=tmp_path)
    moved = load(None, environ={"HOME": "/home/ada", "XDG_DATA_HOME": "/data"}, folder=tmp_path)

    assert plain.home == Path("/home/ada/.local/share/entrepot")
    assert plain.catalog == "sqlite:////home/ada/.local/share/entrepot/catalog.sqlite"
    assert plain.storage == "file:///home/ada/.local/share/entrepot/storage"
    assert (plain.file, plain.repositories) == (None, {})
    assert moved.home == Path("/data/entrepot")


@pytest.mark.parametrize(
    ("asked", "environ", "expected"),
    [
        ("/asked", {"ENTREPOT_HOME": "/named"}, "/asked"),
        (None, {"ENTREPOT_HOME": "/named"}, "/named"),
        (None, {}, "{folder}/data"),
    ],
    ids=["command line", "environment", "file"],
)
def test_who_says_where_home_is(tmp_path: Path, asked: str | None, environ: dict[str, str], expected: str) -> None:
    """The command line goes before the environment, and that before the file."""
    file = tmp_path / "entrepot.toml"
    file.write_text(WHOLE)

    settings = load(file, environ=environ, home=Path(asked) if asked else None)

    assert settings.home == Path(expected.format(folder=tmp_path))


def test_a_catalog_of_one_s_own_lies_beside_the_configuration(tmp_path: Path) -> None:
    """A relative path means the same from wherever the program is started."""
    own = read(tmp_path, '[depot]\ncatalog = "sqlite:///own.sqlite"')
    server = read(tmp_path, '[depot]\ncatalog = "postgresql+psycopg://db/entrepot"\nstorage = "s3://bucket/x"')

    assert own.catalog == f"sqlite:///{tmp_path}/own.sqlite"
    assert (server.catalog, server.storage) == ("postgresql+psycopg://db/entrepot", "s3://bucket/x")


def test_the_file_is_looked_for_where_one_stands(tmp_path: Path) -> None:
    """Named on the command line, in the environment, or found in the current folder, in this order."""
    for name in ("asked", "named", "entrepot"):
        (tmp_path / f"{name}.toml").write_text(f'[repositories.{name}]\ntype = "file"')
    environ = {"ENTREPOT_CONFIG": str(tmp_path / "named.toml")}

    found = [
        load(tmp_path / "asked.toml", environ=environ, folder=tmp_path),
        load(None, environ=environ, folder=tmp_path),
        load(None, environ={}, folder=tmp_path),
    ]

    assert [list(settings.repositories) for settings in found] == [["asked"], ["named"], ["entrepot"]]


def test_plugins_are_blocked_by_file_and_environment_together(tmp_path: Path) -> None:
    """Neither lets in what the other keeps out."""
    settings = read(tmp_path, WHOLE, ENTREPOT_BLOCK="scan, ,cooldown")

    assert settings.blocked == ("cooldown", "scan")


def test_what_is_blocked_can_be_asked_without_reading_the_rest(tmp_path: Path) -> None:
    """`--help` needs no more of the configuration, and does not wait for what checks all of it."""
    (tmp_path / "entrepot.toml").write_text(WHOLE + "polcy = 5")

    assert blocked_plugins(None, environ={"ENTREPOT_BLOCK": "scan"}, folder=tmp_path) == ("cooldown", "scan")
    assert blocked_plugins(None, environ={}, folder=tmp_path / "elsewhere") == ()


@pytest.mark.parametrize("text", ["[depot", "[depot]\nblocked = 'x'", "[depot]\nblocked = [5]"])
def test_a_list_of_blocked_plugins_that_is_none_is_told(tmp_path: Path, text: str) -> None:
    """Letting the plugin in would be worse."""
    (tmp_path / "entrepot.toml").write_text(text)

    with pytest.raises(ConfigurationError):
        blocked_plugins(None, environ={}, folder=tmp_path)


def test_an_unknown_repository_is_told_with_those_that_there_are(tmp_path: Path) -> None:
    """And with the one that was probably meant."""
    settings = read(tmp_path, WHOLE)

    with pytest.raises(UnknownName, match=r"no repository 'tool'; did you mean 'tools'\?"):
        settings.repository("tool")


@pytest.mark.parametrize(
    ("content", "told"),
    [(None, "there is no such configuration file"), (b"[depot", "not TOML"), (b"\xff", "cannot be read")],
    ids=["missing", "no TOML", "no text"],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None, told: str) -> None:
    """Never a traceback."""
    file = tmp_path / "mine.toml"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(ConfigurationError, match=told) as caught:
        load(file, environ={})

    assert caught.value.where == str(file)
    assert caught.value.remedy


MISTAKES: dict[str, tuple[str, str, str]] = {
    "a table that is none": ("depot = 5", "expected a table, found the number 5", ", depot"),
    "an unknown table": ("[repository.a]", "no key 'repository' here; did you mean 'repositories'?", ""),
    "an unknown depot key": ("[depot]\nhoem = 'x'", "no key 'hoem' here; did you mean 'home'?", ", depot"),
    "a list of one": ("[depot]\nblocked = 'x'", "expected a list of text, found the text 'x'", ", depot.blocked"),
    "a list of numbers": ("[depot]\nblocked = [5]", "expected text, found the number 5", ", depot.blocked[0]"),
    "no type": ("[repositories.a]", "'type' is missing; it takes text", ", repositories.a"),
    "a repository that is none": ("[repositories]\na = 5", "expected a table", ", repositories.a"),
    "an unknown key": ("polcy = 'x'", "no key 'polcy' here; did you mean 'policy'?", ", repositories.a"),
    "an unknown choice": ("policy = 'imediate'", "; did you mean 'immediate'?", ", repositories.a.policy"),
    "text for a boolean": ("mirror = 'yes'", "expected true or false, found the text 'yes'", ", repositories.a.mirror"),
    "a number for text": ("url = 5", "expected text, found the number 5", ", repositories.a.url"),
    "a boolean for a number": ("retries = true", "expected a whole number, found true", ", repositories.a.retries"),
    "a fraction": (
        "concurrency = 1.5",
        "expected a whole number, found the number 1.5",
        ", repositories.a.concurrency",
    ),
    "nothing at once": ("concurrency = 0", "expected a number above 0", ", repositories.a.concurrency"),
    "fewer than none": ("retries = -1", "expected a number of at least 0", ", repositories.a.retries"),
    "not a number": ("total_timeout = nan", "expected a number above 0", ", repositories.a.total_timeout"),
    "no version kept": ("keep_versions = 0", "expected a number above 0", ", repositories.a.keep_versions"),
    "a secret written out": (
        "password = 'hunter2'",
        "a secret stands in the configuration",
        ", repositories.a.password",
    ),
    "a secret from nowhere": ("bearer = { vault = 'x' }", "does not say where a secret", ", repositories.a.bearer"),
    "a header of numbers": ("headers = { A = 5 }", "expected text, or {", ", repositories.a.headers.A"),
    "a url without a scheme": ("url = 'index.example'", "expected a whole URL", ", repositories.a.url"),
    "a url without a host": ("url = 'https:///x'", "it names no host", ", repositories.a.url"),
    "a url with half an address": ("url = 'http://[::1'", "its host or its port cannot be", ", repositories.a.url"),
    "options that are none": ("options = 5", "expected a table", ", repositories.a.options"),
    "plugins that are none": ("plugins = { x = 5 }", "expected a table", ", repositories.a.plugins.x"),
}


@pytest.mark.parametrize(("text", "what", "where"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_told_with_its_key(tmp_path: Path, text: str, what: str, where: str) -> None:
    """File, key, what was expected, what was found, and something to type; no secret is repeated."""
    if not text.startswith(("[", "depot")):
        text = f"[repositories.a]\ntype = 'file'\n{text}"

    with pytest.raises(ConfigurationError) as caught:
        read(tmp_path, text)

    assert what in caught.value.what
    assert caught.value.where == f"{tmp_path / 'entrepot.toml'}{where}"
    assert caught.value.remedy
    assert "hunter2" not in str(caught.value)


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    """One run of the program is enough to mend a file."""
    text = """
        [repositories.a]
        type = 5
        polcy = "x"
        concurrency = 0
        [repositories.b]
        type = "file"
        mirror = "no"
        password = "hunter2"
        """

    with pytest.raises(ExceptionGroup) as caught:
        read(tmp_path, text)

    errors: list[Any] = list(caught.value.exceptions)
    assert [error.where.rpartition(", ")[2] for error in errors] == [
        "repositories.a",
        "repositories.a.type",
        "repositories.a.concurrency",
        "repositories.b.mirror",
        "repositories.b.password",
    ]


@pytest.mark.parametrize("name", ["tools", "a", "7", "tools-2", "a.b_c", "x" * 64])
def test_names_that_are_safe_everywhere_are_taken(tmp_path: Path, name: str) -> None:
    """In URLs, file names and command lines."""
    settings = read(tmp_path, f'[repositories."{name}"]\ntype = "file"')

    assert list(settings.repositories) == [name]


@pytest.mark.parametrize(
    "name", ["", "-", "Tools", "a/b", "..", ".a", "a.", "a@1", "a b", "x" * 65, "ä", "a\\n", "-x", "a%2fb"]
)
def test_names_that_are_not_safe_everywhere_are_refused(tmp_path: Path, name: str) -> None:
    """The remedy is a name that is."""
    with pytest.raises(ConfigurationError, match="cannot be the name of a repository") as caught:
        read(tmp_path, f'[repositories."{name}"]\ntype = "file"')

    better = caught.value.remedy.removeprefix("name it ").strip("'")
    assert list(read(tmp_path, f'[repositories."{better}"]\ntype = "file"').repositories) == [better]


def test_an_option_of_the_type_beside_the_settings_is_told_where_it_belongs(tmp_path: Path) -> None:
    """Nothing but the type knows its options, so the place is told for what is like no setting."""
    with pytest.raises(ConfigurationError) as caught:
        read(tmp_path, "[repositories.a]\ntype = 'file'\nsuites = ['stable']")

    assert "[repositories.a.options]" in caught.value.remedy

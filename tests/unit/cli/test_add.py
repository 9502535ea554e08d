"""`entrepot add`."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from entrepot.errors import ConfigurationError
from entrepot.plugin import FirstStage, RunContext, hookimpl
from integration.firmware import FirmwareList
from shell import Shell


def configured(shell: Shell, name: str) -> dict[str, Any]:
    """What the file says of a repository."""
    table: dict[str, Any] = tomllib.loads(shell.configuration.read_text())["repositories"][name]
    return table


def test_what_the_command_line_says_is_written(shell: Shell) -> None:
    """And only that: defaults stay defaults."""
    shell("init")

    done = shell(
        "add", "tools", "--type", "firmware", "--url", "https://a.example/", "--policy", "on_demand", "--mirror",
        "--set", "concurrency=5", "--set", 'only=["alpha"]', "--set", "plugins.cooldown.min_age=7d",
    )  # fmt: skip

    assert (done.code, done.err) == (0, "")
    assert configured(shell, "tools") == {
        "type": "firmware",
        "url": "https://a.example/",
        "policy": "on_demand",
        "mirror": True,
        "concurrency": 5,
        "options": {"only": ["alpha"]},
        "plugins": {"cooldown": {"min_age": "7d"}},
    }
    assert done.out.splitlines()[-1] == "next: entrepot sync tools"


def test_a_password_in_the_url_is_not_written_down(shell: Shell) -> None:
    """The file says where a sync has it from, and the command what to set."""
    shell("init")

    done = shell("add", "my-tools", "--type", "firmware", "--url", "https://me:pa%24s@a.example/list", "--json")

    assert configured(shell, "my-tools") == {
        "type": "firmware",
        "url": "https://a.example/list",
        "username": "me",
        "password": {"env": "ENTREPOT_MY_TOOLS_PASSWORD"},
    }
    assert done.lines[0]["secrets"] == ["ENTREPOT_MY_TOOLS_PASSWORD"]
    assert "pa%24s" not in shell.configuration.read_text() + done.out + done.err


def test_a_repository_may_be_added_without_a_url(shell: Shell) -> None:
    """Its type may know where to look."""
    shell("init")

    done = shell("add", "tools", "--type", "firmware", "--json")

    assert configured(shell, "tools") == {"type": "firmware"}
    assert done.lines == [{"event": "added", "repository": "tools", "file": str(shell.configuration)}]


WRONG: dict[str, tuple[list[str], str]] = {
    "an unknown type": (["--type", "firmwear"], "there is no repository type 'firmwear'; did you mean 'firmware'?"),
    "an unknown policy": (["--type", "firmware", "--policy", "lazy"], "expected one of 'immediate'"),
    "a wrong option": (
        ["--type", "firmware", "--set", "only=alpha"],
        "expected a list of text, found the text 'alpha'",
    ),
    "an unknown option": (["--type", "firmware", "--set", "olny=[]"], "no key 'olny' here; did you mean 'only'?"),
    "an unknown key": (["--type", "firmware", "--set", "a.b=1"], "no key 'a' here"),
    "no assignment": (["--type", "firmware", "--set", "only"], "'only' does not say what to set"),
    "no url": (["--type", "firmware", "--url", "a.example"], "expected a whole URL"),
    "no host": (["--type", "firmware", "--url", "https:///list"], "this URL cannot be used: it names no host"),
    "no address": (["--type", "firmware", "--url", "http://[::1/"], "its host or its port cannot be read"),
    "no port": (["--type", "firmware", "--url", "http://a.example:99999/"], "its host or its port cannot be read"),
    "a space": (["--type", "firmware", "--url", "http://a.example/a b"], "or another character that no URL has"),
    "a scheme that nobody fetches": (["--type", "firmware", "--url", "htps://a.example/"], "did you mean 'https'?"),
    "a file of a host": (["--type", "firmware", "--url", "file://a.example/list"], "a file of another host"),
}


@pytest.mark.parametrize(("words", "told"), WRONG.values(), ids=WRONG.keys())
def test_what_cannot_be_used_is_not_written(shell: Shell, words: list[str], told: str) -> None:
    """The file stays as it was, to the letter."""
    shell("init")
    before = shell.configuration.read_text()

    done = shell("add", "tools", *words)

    assert (done.code, done.out) == (2, "")
    assert told in done.err
    assert "remedy:" in done.err
    assert shell.configuration.read_text() == before


class Choosy:
    """A plugin whose first stage reads lists, and tells them by their URL."""

    @hookimpl
    def entrepot_register_first_stages(self) -> list[FirstStage]:
        return [FirstStage("choosy", make=self.make)]

    def make(self, context: RunContext) -> FirmwareList:
        if not context.remote.url.endswith("/LIST"):
            raise ConfigurationError(f"{context.remote.url!r} is no list", remedy="let url end with /LIST")
        return FirmwareList(context.remote)


def test_a_url_that_a_sync_would_refuse_is_refused_before_it_is_written(shell: Shell) -> None:
    """In the words of the sync; and the depot of the configuration is not even opened."""
    shell("init")
    shell.plugins.append(("choosy", Choosy()))
    before = shell.configuration.read_text()
    (shell.folder / "home" / "catalog.sqlite").write_text("no catalog")

    refused = shell("add", "tools", "--type", "choosy", "--url", "https://a.example/")
    unchanged = shell.configuration.read_text()
    taken = shell("add", "tools", "--type", "choosy", "--url", "https://a.example/LIST")

    assert refused.code == 2
    assert "error: 'https://a.example/' is no list" in refused.err
    assert "remedy: let url end with /LIST" in refused.err
    assert unchanged == before
    assert (taken.code, taken.err) == (0, "")


def test_a_secret_may_come_later(shell: Shell) -> None:
    """Only a sync needs it; so do the options of plugins that are not installed yet."""
    shell("init")

    done = shell(
        "add", "tools", "--type", "firmware", "--url", "https://a.example/",
        "--set", 'bearer={ env = "KEY" }', "--set", "plugins.cooldown.min_age=7d",
    )  # fmt: skip

    assert (done.code, done.err) == (0, "")


@pytest.mark.parametrize("name", ["Tools", "a/b", "a@1"])
def test_a_name_that_is_not_safe_everywhere_is_refused(shell: Shell, name: str) -> None:
    """With one that is."""
    shell("init")

    done = shell("add", name, "--type", "firmware")

    assert done.code == 2
    assert "cannot be the name of a repository" in done.err


def test_a_repository_is_not_added_twice(ready: Shell) -> None:
    """The error says where it stands."""
    done = ready("add", "tools", "--type", "firmware")

    assert done.code == 2
    assert "'tools' is configured already" in done.err


def test_without_a_configuration_it_says_how_to_make_one(shell: Shell) -> None:
    """Nothing is made by the way."""
    done = shell("add", "tools", "--type", "firmware")

    assert done.code == 2
    assert "entrepot init" in done.err
    assert not shell.configuration.exists()


@pytest.mark.promise("P31")
@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://127.0.0.1:8000/feed.json", "its url names 127.0.0.1 port 8000 itself"),
        ("http://localhost/feed.json", "its url names localhost port 80 itself"),
        ("http://[::1]:99/feed.json", "its url names ::1 port 99 itself"),
        ("file:///srv/feed.json", "its url is on this machine"),
    ],
)
def test_an_address_that_is_allowed_because_the_url_names_it_is_told(shell: Shell, url: str, says: str) -> None:
    """Nobody finds out later, from an access log, what a repository may reach."""
    shell("init")

    done = shell("add", "tools", "--type", "firmware", "--url", url, "--json")

    assert says in done.lines[0]["allowed"]
    (finding,) = [line for line in shell("doctor", "--json").lines if line.get("subject") == "repository tools"]
    assert says in finding["what"]


@pytest.mark.parametrize("url", ["https://a.example/", "http://10.0.0.1/"])
def test_nothing_is_said_of_an_address_that_is_not_allowed_by_itself(shell: Shell, url: str) -> None:
    """A private network takes a setting."""
    shell("init")

    done = shell("add", "tools", "--type", "firmware", "--url", url, "--json")

    assert "allowed" not in done.lines[0]


@pytest.mark.parametrize(
    ("written", "valid"), [("75%", True), ("off", True), ("0%", True), ("101%", False), ("5", False)]
)
def test_a_share_is_a_percentage_or_off(shell: Shell, written: str, *, valid: bool) -> None:
    """A number alone could mean a share or a count."""
    shell("init")

    done = shell("add", "tools", "--type", "firmware", "--set", f'guard_loss="{written}"')

    assert done.code == (0 if valid else 2)
    assert valid or 'such as "50%", or "off"' in done.err

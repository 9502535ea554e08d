"""`entrepot doctor`."""

from __future__ import annotations

from types import SimpleNamespace

import click
import pytest

import firmware_plugin
from entrepot.failpoints import FAILPOINTS
from entrepot.plugin import Content, hookimpl
from shell import Feed, Shell


def test_a_healthy_depot_has_nothing_bad(ready: Shell) -> None:
    """Every finding is told, and the exit code is 0."""
    done, text = ready("doctor", "--json"), ready("doctor")

    *findings, last = done.lines
    assert (done.code, last) == (0, {"event": "examined", "findings": len(findings), "bad": 0})
    subjects = [finding["subject"] for finding in findings]
    assert {"software", "plugins", "home", "space", "depot", "repository tools"} <= set(subjects)
    assert all(name in findings[0]["what"] for name in ("Python", "SQLite", "SQLAlchemy", "aiohttp"))
    assert text.out.splitlines()[-1] == "all is well"


def test_what_is_not_fit_is_told_with_a_remedy(ready: Shell, feed: Feed) -> None:
    """A broken plugin, a type that nobody brings, a secret that is not there, a home open to all."""
    ready.plugins.append(("odd", SimpleNamespace()))
    ready("add", "locked", "--type", "firmware", "--url", feed.url, "--set", 'bearer={ env = "LOCKED_KEY" }')
    text = ready.configuration.read_text()
    ready.configuration.write_text(text + '\n[repositories.strange]\ntype = "strange"\n')
    (ready.folder / "home").chmod(0o777)

    done = ready("doctor", "--json")

    bad = {line["subject"]: line for line in done.lines if line.get("state") == "bad"}
    assert done.code == 1
    assert bad.keys() == {"plugins", "home", "repository locked", "repository strange"}
    assert all(finding["remedy"] for finding in bad.values())


@pytest.mark.fault("G02")
def test_plugins_that_claim_one_thing_are_findings(ready: Shell) -> None:
    """The doctor works where other commands refuse to start, and shows whom to take out; commands are claims too."""

    class Greedy:
        @hookimpl
        def entrepot_register_commands(self, group: click.Group) -> None:
            group.add_command(click.Command("sync"))

        @hookimpl
        def entrepot_register_content_types(self) -> list[type[Content]]:
            return firmware_plugin.entrepot_register_content_types()

    ready.plugins.append(("greedy", Greedy()))

    done = ready("doctor", "--json")

    found = [line for line in done.lines if line.get("state") == "bad" and "both bring" in line["what"]]
    assert done.code == 1
    assert ["command 'sync'" in line["what"] for line in found] == [True, False]
    assert all("--block greedy" in line["remedy"] for line in found)


def test_a_depot_that_is_not_there_is_a_finding(shell: Shell) -> None:
    """The doctor is asked when things do not work."""
    done = shell("doctor", "--json")

    bad = {line["subject"]: line["remedy"] for line in done.lines if line.get("state") == "bad"}
    assert done.code == 1
    assert bad["home"] == "entrepot init"


def test_upstreams_are_asked_only_on_request(ready: Shell, feed: Feed) -> None:
    """And then all of them; one that does not answer is a finding."""
    ready("add", "absent", "--type", "firmware", "--url", f"{feed.url}.gone")

    quiet, reaching = ready("doctor", "--json"), ready("doctor", "--reach", "--json")

    assert quiet.code == 0
    assert not [line for line in quiet.lines if line.get("subject", "").startswith("upstream")]
    reached = {line["subject"]: line["state"] for line in reaching.lines if "subject" in line}
    assert (reached["upstream of tools"], reached["upstream of absent"]) == ("ok", "bad")
    assert reaching.code == 1


def test_the_failpoints_are_listed(shell: Shell) -> None:
    """Every place where a test can let entrepot fail, with what is durable there; nothing else is looked at."""
    done, text = shell("doctor", "--failpoints", "--json"), shell("doctor", "--failpoints")

    assert (done.code, text.code) == (0, 0)
    assert [line["name"] for line in done.lines] == list(FAILPOINTS)
    assert all(line["event"] == "failpoint" and line["durable"] == FAILPOINTS[line["name"]] for line in done.lines)
    assert all(name in text.out for name in FAILPOINTS)

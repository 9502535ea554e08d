"""`entrepot prune`: what went, what would go, and who was in the way."""

from __future__ import annotations

import pytest

from entrepot.depot import Depot
from shell import Feed, Shell


@pytest.fixture
def thrice(ready: Shell, feed: Feed) -> Shell:
    """A shell where `tools` has three versions of one image each, none of which the next one has."""
    ready.configuration.write_text(ready.configuration.read_text() + 'mirror = true\nguard_loss = "100 %"\n')
    for name in ("alpha", "beta", "gamma"):
        feed.offer({name: name})
        assert ready("sync").code == 0
    return ready


def test_a_dry_run_says_what_then_goes(thrice: Shell) -> None:
    """The same numbers in both lines, and nothing changed between them."""
    would = thrice("prune", "--keep", "1", "--dry-run", "--json")
    versions = thrice("versions", "tools", "--json").lines
    did = thrice("prune", "--keep", "1", "--json")

    assert (would.code, did.code) == (0, 0)
    assert len(versions) == 3
    assert [{**line, "seconds": 0, "dry_run": True} for line in did.lines] == [
        {**line, "seconds": 0} for line in would.lines
    ]
    assert did.lines[0] == {"event": "versions-pruned", "repository": "tools", "versions": [1, 2], "dry_run": False}
    assert did.lines[1]["artifacts"] == did.lines[1]["contents"] == did.lines[1]["versions"] == 2


def test_people_get_a_table_and_a_sentence(thrice: Shell) -> None:
    """Numbers that follow each other are drawn together."""
    done = thrice("prune", "tools", "--keep", "1")

    assert done.out.splitlines()[1].split() == ["tools", "2", "1-2"]
    assert "2 versions, 2 contents, 2 artifacts of" in done.out
    assert " went (" in done.out


def test_a_pruned_version_is_gone_to_every_command(thrice: Shell) -> None:
    """`versions` leaves it out; `show` and `diff` say that it was pruned, and what to do."""
    thrice("prune", "--keep", "2")

    assert [line["version"] for line in thrice("versions", "tools", "--json").lines] == [2, 3]
    assert thrice("diff", "tools@2", "tools@3").code == 0
    for command in (("show", "tools@1"), ("diff", "tools@1", "tools@3")):
        done = thrice(*command)
        assert done.code == 2
        assert "version 1 of repository 'tools' was pruned" in done.err
        assert "entrepot versions tools" in done.err


def test_without_a_number_all_versions_stay_unless_configured(thrice: Shell) -> None:
    """`keep_versions` is acted on by `prune` alone."""
    assert thrice("prune", "--json").lines[-1]["versions"] == 0
    thrice.configuration.write_text(thrice.configuration.read_text() + "keep_versions = 2\n")
    assert thrice("prune", "--json").lines[-1]["versions"] == 1


@pytest.mark.parametrize("arguments", [("--keep", "0"), ("tolls",)])
def test_what_cannot_be_meant_is_refused(thrice: Shell, arguments: tuple[str, ...]) -> None:
    """Keeping no version, and a repository that is neither configured nor known."""
    assert thrice("prune", *arguments).code == 2
    assert len(thrice("versions", "tools", "--json").lines) == 3


def test_a_second_prune_is_told_of_the_first(thrice: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """With what to do, and exit code 5."""
    plain = Depot.__enter__

    def taken(self: Depot) -> Depot:
        monkeypatch.setattr(Depot, "__enter__", plain)
        self.held = self.catalog.collector()  # type: ignore[attr-defined]  # kept until the depot goes
        self.held.__enter__()  # type: ignore[attr-defined]  # set in the line before
        return plain(self)

    monkeypatch.setattr(Depot, "__enter__", taken)
    done = thrice("prune")

    assert done.code == 5
    assert "another prune of this depot is under way" in done.err

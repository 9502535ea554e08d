"""`entrepot why`: what became of an item, and who left it out."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Any

import pytest

from entrepot.plugin import DeclarativeContent, FirstStage, Remote, Stage, after, hookimpl
from integration import firmware
from shell import Feed, Shell

SCOPE = "feed"
REMEDY = 'write exceptions = ["{}"]'
UNTIL = 4_102_444_800.0  # the first moment of the year 2100


class Embargo(Stage):
    """Holds back images whose note says so."""

    def __init__(self, until: float | None) -> None:
        self.until = until

    async def run(self) -> None:
        async for unit in self.items():
            image = unit.content
            if isinstance(image, firmware.Firmware) and image.note == "embargo":
                name = image.name
                reason = f"{name} is under embargo"
                await self.refuse(unit, "embargo", reason, until=self.until, remedy=REMEDY.format(name))
            else:
                if isinstance(image, firmware.Firmware) and image.note.startswith("exception"):
                    self.remark(unit, "embargo", f"{image.name} is let through: {image.note}")
                await self.put(unit)


class EmbargoPlugin:
    """Puts the stage behind the first one, for as long as it is `on`."""

    def __init__(self) -> None:
        self.on, self.until = True, UNTIL

    @hookimpl
    def entrepot_edit_plan(self, plan: Any) -> object:
        return [after(plan.steps[0].name, Embargo(self.until))] if self.on else []


class KeptFeed(firmware.FirmwareList):
    """Declares what the feed lists in one scope, and keeps it unseen while the feed is the same."""

    def __init__(self, remote: Remote) -> None:
        super().__init__(remote)

    async def run(self) -> None:
        entries = await self.feed()
        said = hashlib.sha256(repr(entries).encode()).hexdigest()
        if said == await self.context.checkpoint(SCOPE):
            await self.keep(SCOPE)
            return
        for entry in entries:
            unit = self.declared(entry)
            await self.put(DeclarativeContent(unit.content, unit.d_artifacts, scope=SCOPE))
        await self.context.note_checkpoint(SCOPE, said)


class KeptPlugin:
    """Brings the type `kept`."""

    @hookimpl
    def entrepot_register_first_stages(self) -> list[FirstStage]:
        return [FirstStage("kept", lambda context: KeptFeed(context.remote))]


@pytest.fixture
def embargo() -> EmbargoPlugin:
    """A plugin that can be told when to hold back."""
    return EmbargoPlugin()


@pytest.fixture
def held(ready: Shell, feed: Feed, embargo: EmbargoPlugin) -> Shell:
    """A shell whose repositories are mirrored and pass the embargo; of type `kept` there is `calm`."""
    ready.plugins.append(("embargo", embargo))
    ready.plugins.append(("kept", KeptPlugin()))
    assert ready("add", "calm", "--type", "kept", "--url", feed.url).code == 0
    text = ready.configuration.read_text()
    mirrored = re.sub(r"(?m)^type = ", 'guard_loss = "off"\nmirror = true\ntype = ', text)
    ready.configuration.write_text(mirrored)
    return ready


@pytest.fixture
def ask(held: Shell) -> Callable[..., dict[str, Any]]:
    """Ask for the one answer that there is."""

    def one(item: str, name: str = "tools") -> dict[str, Any]:
        (line,) = held("why", name, item, "--json").lines
        return line

    return one


def test_who_left_an_item_out_is_told(held: Shell, feed: Feed, ask: Callable[..., dict[str, Any]]) -> None:
    """By whom, in which stage and run, by which rule, why, until when, and the way past the rule."""
    feed.offer({"alpha": "one", "beta": "two"}, notes={"beta": "embargo"})
    held("sync", "tools")

    answer = ask("beta")
    done = held("why", "tools", "beta")

    assert (answer["state"], answer["type"], answer["key"]) == ("refused", "firmware.image", ["beta"])
    (refusal,) = answer["refusals"]
    assert (refusal["plugin"], refusal["stage"], refusal["rule"]) == ("embargo", "Embargo", "embargo")
    assert refusal["reason"] == "beta is under embargo"
    assert refusal["until"] == "2100-01-01T00:00:00+00:00"
    assert refusal["remedy"] == REMEDY.format("beta")
    assert done.code == 0
    for said in ("beta (firmware.image) is left out", "rule embargo of plugin embargo", "2100-01-01", "exceptions ="):
        assert said in done.out


def test_an_item_that_is_there_is_told_since_when(held: Shell, feed: Feed, ask: Callable[..., dict[str, Any]]) -> None:
    """With the version that changed it last."""
    held("sync", "tools")
    feed.offer({"alpha": "changed", "beta": "two"})
    held("sync", "tools")

    alpha, beta = ask("alpha"), ask("beta")

    assert (alpha["state"], alpha["since"], alpha["changed"], alpha["removed"]) == ("there", 1, 2, None)
    assert (beta["state"], beta["since"], beta["changed"]) == ("there", 1, None)
    assert held("why", "tools", "alpha").out == "alpha (firmware.image) is there since tools@1, as tools@2 changed it\n"


def test_an_item_that_went_is_told_with_the_version_it_went_with(
    held: Shell, feed: Feed, ask: Callable[..., dict[str, Any]]
) -> None:
    """Nobody left it out: upstream named it no more."""
    held("sync", "tools")
    feed.offer({"alpha": "one"})
    held("sync", "tools")

    answer = ask("beta")

    assert (answer["state"], answer["since"], answer["removed"]) == ("removed", 1, 2)
    assert "tools@2 was made without it" in held("why", "tools", "beta").out


def test_an_item_refused_after_it_was_there_is_told_with_the_version_made_without_it(held: Shell, feed: Feed) -> None:
    """The version that is named is the first that does not hold it, and the words say so."""
    held("sync", "tools")
    feed.offer({"alpha": "one", "beta": "two"}, notes={"beta": "embargo"})
    held("sync", "tools")

    (first, *_) = held("why", "tools", "beta").out.splitlines()

    assert first == "beta (firmware.image) is left out; it was there until tools@2 was made without it"


def test_an_item_that_failed_is_told_with_what_to_do(
    held: Shell, feed: Feed, ask: Callable[..., dict[str, Any]]
) -> None:
    """Where, and what was wrong; once it is there, no more."""
    (feed.folder / "beta.bin").unlink()
    held("sync", "tools")

    answer = ask("beta")
    assert answer["state"] == "failed"
    assert [failure["stage"] for failure in answer["failures"]] == ["ArtifactDownloader"]
    assert "entrepot sync tools --retry-failed" in held("why", "tools", "beta").out

    feed.offer({"alpha": "one", "beta": "two"})
    held("sync", "tools")
    answer = ask("beta")
    assert (answer["state"], answer["failures"], answer["earlier"]) == ("there", [], 1)


def test_a_refusal_stays_known_while_its_scope_is_kept_unseen(
    held: Shell, feed: Feed, ask: Callable[..., dict[str, Any]]
) -> None:
    """No later run repeats it, and it holds all the same."""
    feed.offer({"alpha": "one", "beta": "two"}, notes={"beta": "embargo"})
    for _ in range(3):
        assert held("sync", "calm").code == 0

    answer = ask("beta", "calm")

    assert (answer["state"], answer["scope"], len(answer["refusals"])) == ("refused", SCOPE, 1)


def test_a_refusal_is_over_when_its_scope_was_read_again_without_it(
    held: Shell, feed: Feed, ask: Callable[..., dict[str, Any]]
) -> None:
    """Upstream named the unit no more; who left it out once is no answer."""
    feed.offer({"alpha": "one", "beta": "two"}, notes={"beta": "embargo"})
    held("sync", "calm")
    feed.offer({"alpha": "one"})
    held("sync", "calm")

    answer = ask("beta", "calm")

    assert (answer["state"], answer["refusals"], answer["earlier"]) == ("unnamed", [], 1)
    assert "found it no more" in held("why", "calm", "beta").out


def test_what_was_let_through_after_all_is_there(
    held: Shell, feed: Feed, embargo: EmbargoPlugin, ask: Callable[..., dict[str, Any]]
) -> None:
    """The refusal of an earlier run stands no longer."""
    feed.offer({"alpha": "one", "beta": "two"}, notes={"beta": "embargo"})
    held("sync", "tools")
    embargo.on = False
    held("sync", "tools")

    answer = ask("beta")

    assert (answer["state"], answer["since"], answer["refusals"]) == ("there", 2, [])


def test_a_refused_change_of_what_is_there_is_told_beside_it(
    held: Shell, feed: Feed, ask: Callable[..., dict[str, Any]]
) -> None:
    """Without mirroring the predecessor stays, and what upstream has of it is held back."""
    held.configuration.write_text(held.configuration.read_text().replace("mirror = true\n", ""))
    held("sync", "tools")
    feed.offer({"alpha": "one", "beta": "new"}, notes={"beta": "embargo"})
    held("sync", "tools")

    answer = ask("beta")

    assert (answer["state"], answer["since"], len(answer["refusals"])) == ("there", 1, 1)


def test_an_item_never_seen_is_told_so(held: Shell) -> None:
    """With what was probably meant, and exit code 1."""
    held("sync", "tools")

    done, line = held("why", "tools", "alpah"), held("why", "tools", "alpah", "--json").lines[-1]

    assert (done.code, line) == (1, {"event": "unknown", "repository": "tools", "item": "alpah", "near": ["alpha"]})
    assert "did you mean alpha?" in done.out
    assert "it was not asked for" in done.out


def test_a_repository_without_a_sync_has_no_answers(held: Shell) -> None:
    """A usage error that says what to type; a misspelt name is another."""
    assert "entrepot sync tools" in held("why", "tools", "alpha").err
    assert held("why", "tolls", "alpha").code == 2


def test_a_pattern_may_mean_many(held: Shell, feed: Feed) -> None:
    """People are told of as many as they ask for, and how to see the rest."""
    feed.offer({f"tool-{number}": "one" for number in range(5)})
    held("sync", "tools")

    done = held("why", "tools", "tool-*", "--limit", "2")

    assert len(held("why", "tools", "tool-*", "--json").lines) == 5
    assert done.out.splitlines()[-1] == "and 3 more; --limit 5 shows all"


def test_a_refused_unit_cannot_steer_the_terminal(held: Shell, feed: Feed) -> None:
    """What upstream wrote is shown, not obeyed."""
    feed.offer({"evil\x1b[2J": "one"}, notes={"evil\x1b[2J": "embargo"})
    held("sync", "tools")

    assert "\x1b" not in held("why", "tools", "evil*").out


def test_the_report_counts_refusals_by_rule_and_plugin(held: Shell, feed: Feed) -> None:
    """`show` says who left out how many of what."""
    feed.offer({"alpha": "1", "beta": "2", "gamma": "3"}, notes={"beta": "embargo", "gamma": "embargo"})
    held("sync", "tools")

    line, text = held("show", "tools", "--json").lines[0], held("show", "tools").out

    assert line["refused_by"] == [{"plugin": "embargo", "version": "", "rule": "embargo", "units": 2}]
    assert "2 left out by rule embargo of plugin embargo; one by one: entrepot why tools ITEM" in text


def test_what_a_plugin_said_of_a_unit_that_it_let_through_is_told(ready: Shell, feed: Feed) -> None:
    """By whom and why, also when a later sync made no version; and once, however often it was said."""
    ready.plugins.append(("embargo", EmbargoPlugin()))
    feed.offer({"alpha": "a", "beta": "b"}, notes={"alpha": "exception\nof Ada"})
    assert ready("sync").code == 0
    assert ready("sync").code == 0

    told, silent = ready("why", "tools", "alpha"), ready("why", "tools", "beta")
    (line,) = ready("why", "tools", "alpha", "--json").lines

    expected = r"noted by rule embargo of plugin embargo, stage Embargo: alpha is let through: exception\nof Ada"
    assert [text.strip() for text in told.out.splitlines()].count(expected) == 1
    assert "noted by" not in silent.out
    assert [(row["rule"], row["plugin"], row["stage"]) for row in line["remarks"]] == [
        ("embargo", "embargo", "Embargo")
    ]


def test_an_older_remark_is_found_with_the_version_that_brought_the_unit(ready: Shell, feed: Feed) -> None:
    """The last sync may have kept its part unseen, or have said it no more."""
    plugin = EmbargoPlugin()
    ready.plugins.append(("embargo", plugin))
    feed.offer({"alpha": "a"}, notes={"alpha": "exception"})
    ready("sync")
    plugin.on = False
    feed.offer({"alpha": "a", "beta": "b"}, notes={"alpha": "exception"})
    ready("sync")

    assert "alpha is let through: exception" in ready("why", "tools", "alpha").out


def test_a_sync_that_kept_all_unseen_says_what_the_version_was_made_without(ready: Shell, feed: Feed) -> None:
    """It refused nothing itself, which is not to say that nothing is left out."""
    ready.plugins += [("embargo", EmbargoPlugin()), ("kept", KeptPlugin())]
    assert ready("add", "quiet", "--type", "kept", "--url", feed.url).code == 0
    feed.offer({"alpha": "a", "beta": "b"}, notes={"beta": "embargo"})

    ready("sync", "quiet")
    unchanged = ready("sync", "quiet")
    line = ready("sync", "quiet", "--json").lines[-1]

    assert (line["version"], line["refused"]) == (None, 0)
    told = "the latest version is 1, whose sync left 1 unit out; one by one: entrepot why quiet ITEM"
    assert told in unchanged.out

"""`entrepot versions`, `show`, `diff`, `status`, `stages` and `trace`: looking at what there is."""

from __future__ import annotations

from types import ModuleType

import pytest

from entrepot.plugin import Fact, Stage, before, hookimpl, move_after, remove, replace
from shell import Feed, Shell


@pytest.fixture
def twice(ready: Shell, feed: Feed) -> Shell:
    """A shell where `tools` has two versions: beta changed, gamma came, alpha went."""
    ready.configuration.write_text(ready.configuration.read_text() + "mirror = true\n")
    assert ready("sync").code == 0
    feed.offer({"beta": "two", "gamma": "three"}, notes={"beta": "recalled\x1b[2J"})
    assert ready("sync").code == 0
    return ready


def test_versions_are_listed_oldest_first(twice: Shell) -> None:
    """With what each changed."""
    lines, text = twice("versions", "tools", "--json").lines, twice("versions", "tools").out

    assert [(line["version"], line["members"], line["added"], line["changed"], line["removed"]) for line in lines] == [
        (1, 2, 2, 0, 0),
        (2, 2, 1, 1, 1),
    ]
    assert [line.split()[0] for line in text.splitlines()] == ["version", "1", "2"]


def test_a_repository_without_versions_has_none(ready: Shell) -> None:
    """It says what comes next; an unknown one is another matter."""
    assert ready("versions", "tools").out == "tools has no version yet; next: entrepot sync tools\n"
    assert ready("versions", "tolls").code == 2


@pytest.mark.parametrize("reference", ["tools", "tools@2", "tools@2126-01-01"])
def test_what_a_version_holds_is_shown(twice: Shell, reference: str) -> None:
    """The latest, by number, or as of a day."""
    done = twice("show", reference, "--json")

    version, *contents = done.lines
    assert (version["repository"], version["version"], version["members"]) == ("tools", 2, 2)
    assert [(line["type"], line["key"], line["fields"]["name"]) for line in contents] == [
        ("firmware.image", ["beta"], "beta"),
        ("firmware.image", ["gamma"], "gamma"),
    ]


def test_people_are_shown_a_page(twice: Shell) -> None:
    """And told how to see the rest; what upstream wrote cannot steer the terminal."""
    done = twice("show", "tools@2", "--limit", "1")

    head, row, more = done.out.splitlines()
    assert head.startswith("tools@2, made 2")
    assert row.split()[:2] == ["firmware.image", "beta"]
    assert "note=recalled\\x1b[2J" in row
    assert more == "and 1 more; --limit 2 shows all"


@pytest.mark.parametrize(
    ("reference", "told"),
    [
        ("tolls", "tolls"),
        ("tools@7", "7"),
        ("tools@yesterday", "'yesterday' is neither a version's number nor a date"),
        ("tools@1999-01-01", "tools"),
    ],
)
def test_a_version_that_is_not_there_is_told_so(twice: Shell, reference: str, told: str) -> None:
    """Exit code 2, with something to type."""
    done = twice("show", reference)

    assert (done.code, done.out) == (2, "")
    assert told in done.err
    assert "remedy:" in done.err


def test_a_difference_is_told_field_by_field(twice: Shell) -> None:
    """Added, changed with both values, removed; and the sums."""
    lines, text = twice("diff", "tools@1", "tools@2", "--json").lines, twice("diff", "tools@1", "tools@2").out

    *differences, sums = lines
    assert [(line["change"], line["key"]) for line in differences] == [
        ("removed", ["alpha"]),
        ("changed", ["beta"]),
        ("added", ["gamma"]),
    ]
    assert differences[1]["fields"] == {"note": {"before": None, "after": "recalled\x1b[2J"}}
    assert sums == {"event": "compared", "from": "tools@1", "to": "tools@2", "added": 1, "changed": 1, "removed": 1}
    assert text.splitlines() == [
        "- firmware.image  alpha",
        "~ firmware.image  beta",
        "    note: null -> recalled\\x1b[2J",
        "+ firmware.image  gamma",
        "tools@1 to tools@2: 1 added, 1 changed, 1 removed",
    ]


def test_versions_of_two_repositories_can_be_compared(twice: Shell, feed: Feed) -> None:
    """What staging has and production has not."""
    twice("add", "other", "--type", "firmware", "--url", feed.url)
    twice("sync", "other")

    done = twice("diff", "tools@1", "other", "--json")

    assert (done.lines[-1]["from"], done.lines[-1]["to"]) == ("tools@1", "other@1")
    assert [done.lines[-1][change] for change in ("added", "changed", "removed")] == [1, 1, 1]


def test_the_status_shows_what_is_configured_and_what_is_remembered(twice: Shell, feed: Feed) -> None:
    """One never synced, one that works, one that failed, one taken out of the configuration."""
    twice("add", "idle", "--type", "firmware", "--url", feed.url)
    twice("add", "absent", "--type", "firmware", "--url", f"{feed.url}.gone")
    twice("sync", "absent")
    twice("add", "former", "--type", "firmware", "--url", feed.url)
    twice("sync", "former")
    text = twice.configuration.read_text()
    twice.configuration.write_text(text.partition("[repositories.former]")[0])

    rows = {line["name"]: line for line in twice("status", "--json").lines}

    assert {name: (row["configured"], row["latest"], row["last_run"]) for name, row in rows.items()} == {
        "absent": (True, None, "failed"),
        "former": (False, 1, "completed"),
        "idle": (True, None, None),
        "tools": (True, 2, "completed"),
    }
    assert "index.json.gone" in rows["absent"]["error"]
    said = twice("status").out
    assert "former (not configured)" in said
    assert "absent: " in said
    assert "more: entrepot trace absent" in said


def test_the_plan_is_shown_in_order_with_who_changed_it(ready: Shell) -> None:
    """As it would run, with nothing fetched."""

    class LabelImages(Stage):
        gives = frozenset({Fact("labelled")})

        async def run(self) -> None:
            async for unit in self.items():
                await self.put(unit)

    class Labels:
        @hookimpl
        def entrepot_edit_plan(self) -> object:
            return [before("ContentSaver", LabelImages())]

    ready.plugins.append(("labels", Labels()))

    rows, text = ready("stages", "tools", "--json").lines, ready("stages", "tools").out

    names = [row["stage"] for row in rows]
    assert names[0] == "FirmwareList"
    assert names.index("LabelImages") == names.index("ContentSaver") - 1
    assert all(row.keys() == {"stage", "plugin", "needs", "gives", "edited_by"} for row in rows)
    labels = rows[names.index("LabelImages")]
    assert (labels["plugin"], labels["needs"], labels["gives"]) == ("labels", [], ["labelled"])
    assert rows[0]["plugin"] == "firmware"
    assert "LabelImages" in text


def test_what_blocking_a_plugin_would_take_away_is_shown(ready: Shell) -> None:
    """What it brought, what it took out or replaced, and what it moved: removals show in no row."""

    class Downloads(Stage):
        gives = frozenset({Fact("downloaded")})

        async def run(self) -> None:
            """Never runs."""

    class Busy:
        @hookimpl
        def entrepot_edit_plan(self) -> object:
            return [
                replace("ArtifactDownloader", Downloads()),
                remove("RemoteArtifactSaver"),
                move_after("ResolveContentFutures", "ContentAssociation"),
            ]

    before_it = ready("stages", "tools").out
    ready.plugins.append(("busy", Busy()))

    assert ready("stages", "tools").out.splitlines()[-1] == (
        "with --block busy: Downloads would be gone; ArtifactDownloader, RemoteArtifactSaver would be back; "
        "ResolveContentFutures would be as before"
    )
    assert ready("stages", "tools", "--block", "busy").out == before_it
    assert "--block" not in before_it


def test_a_plan_that_does_not_hold_is_refused(ready: Shell) -> None:
    """With the stage and the plugin; so would the sync be, before its first request."""

    class NeedsMagic(Stage):
        needs = frozenset({Fact("magic")})

        async def run(self) -> None:
            """Never runs."""

    class Odd:
        @hookimpl
        def entrepot_edit_plan(self) -> object:
            return [before("ContentSaver", NeedsMagic())]

    ready.plugins.append(("odd", Odd()))

    for words in (["stages", "tools"], ["sync", "tools"]):
        done = ready(*words)
        assert done.code == 2
        assert "NeedsMagic" in done.err
        assert "odd" in done.err


def test_the_last_run_is_traced(twice: Shell) -> None:
    """Every stage with its counts, and one line that names the bottleneck."""
    lines, text = twice("trace", "tools", "--json").lines, twice("trace", "tools").out

    assert (lines[0]["event"], lines[0]["outcome"], lines[0]["version"]) == ("run", "completed", 2)
    stages = {line["stage"]: line for line in lines if line["event"] == "stage"}
    assert stages["FirmwareList"]["units_out"] == 2
    assert stages["EndStage"]["units_in"] == 2
    assert lines[-1]["event"] == "bottleneck"
    assert text.splitlines()[0].startswith("tools: completed, version 2, begun 2")
    assert text.splitlines()[-1].startswith("bottleneck: stage ")


def test_a_failed_run_is_traced_with_its_error(ready: Shell, feed: Feed) -> None:
    """And the units that failed, by key."""
    ready.configuration.write_text(ready.configuration.read_text() + 'on_error = "skip"\n')
    (feed.folder / "beta.bin").unlink()
    ready("sync")

    done = ready("trace", "tools")

    assert "failed: " in done.out
    assert "beta" in done.out
    assert [line["event"] for line in ready("trace", "tools", "--json").lines].count("failed") == 1


def test_a_repository_that_was_never_synced_has_no_trace(ready: Shell) -> None:
    """It says what to type."""
    done = ready("trace", "tools")

    assert done.code == 2
    assert "remedy: entrepot sync tools" in done.err


def test_a_unit_of_a_plugin_that_is_gone_is_still_shown(twice: Shell) -> None:
    """What was said stays said."""
    twice.plugins[:] = [("none", ModuleType("none"))]

    done = twice("show", "tools@1", "--json")

    assert done.code == 0
    assert [line["key"] for line in done.lines[1:]] == [["alpha"], ["beta"]]

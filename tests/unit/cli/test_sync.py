"""`entrepot sync`."""

from __future__ import annotations

import os
import signal
from functools import partial

import pytest

from shell import Feed, Program, Shell

SYNCED = {
    "event": "synced",
    "repository": "tools",
    "version": 1,
    "added": 2,
    "changed": 0,
    "removed": 0,
    "unchanged": 0,
    "failed": 0,
    "refused": 0,
    "downloaded": 2,
    "downloaded_bytes": 6,
}


def test_programs_get_json_lines_the_last_of_which_says_what_became_of_it(ready: Shell) -> None:
    """With the promised keys and no others."""
    done = ready("sync", "--json")

    assert (done.code, done.err) == (0, "")
    *_, last = done.lines
    assert last.pop("seconds") >= 0
    assert last == SYNCED


def test_nothing_changed_gives_no_version(ready: Shell) -> None:
    """The version is null, and the exit code is 0."""
    ready("sync")

    done = ready("sync", "--json")

    assert done.code == 0
    assert (done.lines[-1]["version"], done.lines[-1]["unchanged"], done.lines[-1]["downloaded"]) == (None, 2, 0)


def test_people_get_a_table_and_a_line_that_says_what_to_do_next(ready: Shell) -> None:
    """Where stderr is no terminal, progress is plain lines there."""
    first, second = ready("sync", "tools"), ready("sync", "tools")

    heads, row, last = first.out.splitlines()
    assert heads.split()[:4] == ["repository", "version", "added", "changed"]
    assert row.split()[:4] == ["tools", "1", "2", "0"]
    assert last == (
        "tools: made version 1; serve it: entrepot serve, then: fetch http://127.0.0.1:8080/tools/feed.json"
    )
    assert first.err.startswith("tools: syncing towards version 1\n")
    assert "\x1b" not in first.err + first.out
    assert second.out.splitlines()[-1].startswith("tools: nothing changed; the latest version is 1; serve it")


def test_all_repositories_are_synced_when_none_is_named(ready: Shell, feed: Feed) -> None:
    """One after the other, in the order of the configuration."""
    ready("add", "other", "--type", "firmware", "--url", feed.url, "--set", 'only=["alpha"]')

    done = ready("sync", "--json")

    synced = [line for line in done.lines if line["event"] == "synced"]
    assert [(line["repository"], line["added"]) for line in synced] == [("tools", 2), ("other", 1)]


def test_one_that_fails_does_not_keep_the_others_from_their_sync(ready: Shell, feed: Feed) -> None:
    """The exit code is the gravest; the error is told where it happened."""
    ready("add", "absent", "--type", "firmware", "--url", f"{feed.url}.gone")
    ready("add", "other", "--type", "firmware", "--url", feed.url)

    done = ready("sync", "--json")

    assert done.code == 3
    assert [(line["event"], line["repository"]) for line in done.lines if line["event"] != "started"] == [
        ("synced", "tools"),
        ("error", "absent"),
        ("synced", "other"),
    ]
    assert "error: " in done.err
    assert "index.json.gone" in done.err


def test_a_name_that_is_not_configured_stops_it_before_anything_begins(ready: Shell) -> None:
    """A slip of the finger costs no download."""
    done = ready("sync", "tools", "toosl")

    assert (done.code, done.out) == (2, "")
    assert "there is no repository 'toosl'; did you mean 'tools'?" in done.err
    assert ready("versions", "tools", "--json").lines == []


def test_without_repositories_it_says_how_to_add_one(shell: Shell) -> None:
    """Doing nothing in silence would look like success."""
    shell("init")

    done = shell("sync")

    assert done.code == 2
    assert "entrepot add NAME" in done.err


def test_a_secret_that_is_not_there_is_missed_only_by_its_repository(ready: Shell, feed: Feed) -> None:
    """The variable is named; the other repository is synced."""
    ready("add", "locked", "--type", "firmware", "--url", feed.url, "--set", 'bearer={ env = "LOCKED_KEY" }')

    done = ready("sync", "--json")

    assert done.code == 2
    assert "LOCKED_KEY" in done.err
    assert [line["repository"] for line in done.lines if line["event"] == "synced"] == ["tools"]


def test_wrong_bytes_are_an_integrity_error(ready: Shell, feed: Feed) -> None:
    """Exit code 4, no version, and what was there before stays."""
    ready("sync")
    feed.offer({"alpha": "one", "beta": "two", "gamma": "three"})
    (feed.folder / "gamma.bin").write_text("THREE")

    done = ready("sync")

    assert done.code == 4
    assert "gamma" in done.err
    assert [line["version"] for line in ready("versions", "tools", "--json").lines] == [1]


def test_units_that_failed_and_were_skipped_make_exit_code_1(ready: Shell, feed: Feed) -> None:
    """Done, with reported failures."""
    ready.configuration.write_text(ready.configuration.read_text() + 'on_error = "skip"\n')
    (feed.folder / "beta.bin").unlink()

    done = ready("sync", "--json")

    assert done.code == 1
    assert (done.lines[-1]["version"], done.lines[-1]["added"], done.lines[-1]["failed"]) == (1, 1, 1)
    assert [line["event"] for line in done.lines].count("failed") == 1
    assert "1 unit failed; try them again: entrepot sync tools --retry-failed" in ready("sync").out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_whoever_interrupts_gets_130_after_a_clean_stop(
    ready: Shell, program: Program, feed: Feed, number: signal.Signals
) -> None:
    """The run is noted as cancelled, and the repository is free again."""
    ready("add", "slow", "--type", "firmware", "--url", feed.url, "--set", "patience=true")

    with program.start("sync", "slow") as syncing:
        assert syncing.stderr is not None
        while "syncing towards" not in (line := syncing.stderr.readline()):
            assert line, "the sync ended before it ran"
        syncing.send_signal(number)
        _, err = syncing.communicate(timeout=60)

    assert syncing.returncode == 130
    assert "error: interrupted" in err
    assert "Traceback" not in err
    assert [line["last_run"] for line in ready("status", "--json").lines] == ["cancelled", None]


def test_on_a_terminal_bars_are_drawn_beside_the_results(program: Program) -> None:
    """The moving picture is on stderr; stdout has the table and the last line."""
    terminal, end = os.openpty()

    with program.start("sync", stderr=end) as syncing:
        os.close(end)
        drawn = b"".join(iter(partial(read_terminal, terminal), b"")).decode()
        out, _ = syncing.communicate(timeout=60)
    os.close(terminal)

    assert syncing.returncode == 0
    assert "\x1b[" in drawn
    assert "\x1b" not in out
    assert out.splitlines()[-1].startswith("tools: made version 1; serve it: entrepot serve")


def read_terminal(handle: int) -> bytes:
    """Read what was drawn; a terminal whose other end is closed has nothing more."""
    try:
        return os.read(handle, 4096)
    except OSError:
        return b""


def test_what_failed_is_listed_and_can_be_tried_again(ready: Shell, feed: Feed) -> None:
    """With stage, plugin, URL and reason; for people and programs, after the sync and of the version."""
    ready.configuration.write_text(ready.configuration.read_text() + 'on_error = "skip"\n')
    (feed.folder / "beta.bin").rename(feed.folder / "away")
    told = f"in ArtifactDownloader of builtin, {feed.url.replace('index.json', 'beta.bin')}: there is no such file"

    assert told in ready("sync").out
    assert told in ready("show", "tools@1").out
    assert "tools@1 lacks what failed: entrepot show tools@1" in ready("versions", "tools").out
    (failed,) = [line for line in ready("show", "tools@1", "--json").lines if line["event"] == "failed"]
    assert (failed["stage"], failed["plugin"]) == ("ArtifactDownloader", "builtin")
    (version,) = ready("versions", "tools", "--json").lines
    assert version["failures"][0]["error"] == "there is no such file"

    (feed.folder / "away").rename(feed.folder / "beta.bin")
    again = ready("sync", "tools", "--retry-failed", "--json")

    assert (again.code, again.lines[-1]["version"], again.lines[-1]["added"]) == (0, 2, 1)


def test_where_nothing_failed_trying_again_says_so(ready: Shell) -> None:
    """And is no failure itself: a script may always try."""
    ready("sync")

    people, programs = ready("sync", "--retry-failed"), ready("sync", "--retry-failed", "--json")

    assert (people.code, programs.code) == (0, 0)
    assert "tools: nothing to retry" in people.out
    assert programs.lines == [{"event": "nothing-to-retry", "repository": "tools"}]


@pytest.mark.fault("A20")
@pytest.mark.promise("P16", "P06")
def test_what_is_gone_upstream_goes_when_somebody_says_so(ready: Shell, feed: Feed) -> None:
    """Until then the exit code is 3, and the latest version stays."""
    ready.configuration.write_text(ready.configuration.read_text() + "mirror = true\n")
    ready("sync")
    feed.offer({})

    held, let = ready("sync"), ready("sync", "--accept-loss", "--json")

    assert held.code == 3
    assert "entrepot sync tools --accept-loss" in held.err
    assert (let.code, let.lines[-1]["version"], let.lines[-1]["removed"]) == (0, 2, 2)

"""`entrepot verify` and `entrepot repair`: lines for programs and people, and exit codes."""

from __future__ import annotations

from pathlib import Path

import pytest

from shell import Feed, Shell


@pytest.fixture
def synced(ready: Shell) -> Shell:
    """A shell where `tools` has a version."""
    assert ready("sync").code == 0
    return ready


def files(shell: Shell) -> list[Path]:
    return sorted(path for path in shell.folder.rglob("sha256/??/*") if path.is_file())


def test_a_whole_depot_is_verified_with_exit_code_0(synced: Shell) -> None:
    """The last line says how much was looked at."""
    done = synced("verify", "--json")

    assert done.code == 0
    (last,) = done.lines
    assert (last["event"], last["checked"], last["damaged"], last["foreign"]) == ("verified", 2, 0, 0)
    assert "0 damaged, 0 foreign" in synced("verify", "tools@1").out


@pytest.mark.promise("P13")
@pytest.mark.fault("C14")
def test_damage_is_told_with_exit_code_4_and_then_mended(synced: Shell) -> None:
    """Each file with what is wrong and who needs it; `repair` says what it mended."""
    first, second = files(synced)
    first.chmod(0o644)
    first.write_bytes(b"xxx")
    second.unlink()

    found, mended, again = synced("verify", "--json"), synced("repair", "--json"), synced("verify")

    assert found.code == 4
    assert [(line["event"], line.get("kind"), line.get("repositories")) for line in found.lines[:2]] == [
        ("damaged", "flipped", ["tools"]),
        ("damaged", "missing", ["tools"]),
    ]
    assert mended.code == 0
    assert [line["event"] for line in mended.lines] == ["mended", "mended", "repaired"]
    assert again.code == 0


def test_what_cannot_be_mended_is_told_with_the_reason_and_exit_code_4(synced: Shell, feed: Feed) -> None:
    """The file that is there stays."""
    first, *_ = files(synced)
    first.chmod(0o644)
    first.write_bytes(b"short")
    feed.offer({})
    for left in feed.folder.glob("*.bin"):
        left.unlink()

    done = synced("repair")

    assert done.code == 4
    assert "not mended" in done.out
    assert "tools: " in done.out
    assert first.read_bytes() == b"short"


def test_foreign_files_are_told_by_their_path(synced: Shell) -> None:
    """They are wrong, though nothing is lost."""
    stranger = files(synced)[0].with_name("README")
    stranger.write_text("hello")

    done = synced("verify", "--json")

    assert done.code == 4
    assert done.lines[0]["event"] == "foreign"
    assert done.lines[0]["path"].endswith("/README")


@pytest.mark.parametrize("share", ["5", "0%", "101%", "many%", "-1%", "nan%"])
def test_a_share_is_written_in_percent(synced: Shell, share: str) -> None:
    """Anything else is a usage error that says how."""
    done = synced("verify", "--sample", share)

    assert done.code == 2
    assert "--sample 5%" in done.err


def test_a_sample_tells_its_seed(synced: Shell) -> None:
    """So that the same can be drawn again."""
    done = synced("verify", "--sample", "50%", "--seed", "3", "--json")

    last = done.lines[-1]
    assert (last["share"], last["seed"], last["checked"] + last["passed_over"]) == (0.5, 3, 2)
    assert "--sample 50% --seed 3" in synced("verify", "--sample", "50%", "--seed", "3").out


def test_an_unknown_repository_is_a_mistake_of_the_command_line(synced: Shell) -> None:
    """It says which there are."""
    assert synced("verify", "tolls").code == 2
    assert synced("verify", "tools@9").code == 2
    assert synced("repair", "tolls").code == 2

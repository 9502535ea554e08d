"""`entrepot withdraw`: its lines, exit codes, and what stays."""

from __future__ import annotations

import pytest

from entrepot.failpoints import arm
from shell import Shell


@pytest.fixture
def ours(ours: Shell) -> Shell:
    """A shell where `ours` has three notes, in version 2."""
    assert ours("upload", "ours", "one.txt", "two.txt").code == 0
    assert ours("upload", "ours", "one.txt", "--path", "deep/one.txt").code == 0
    return ours


def paths(shell: Shell, version: str) -> list[str]:
    """What a version serves."""
    return [line["fields"]["path"] for line in shell("show", version, "--json").lines if line["event"] == "content"]


def test_all_files_go_in_one_version_and_earlier_ones_keep_them(ours: Shell) -> None:
    """To programs in one line, to people in a sentence; a whole path is meant before the end of another."""
    done = ours("withdraw", "ours", "two.txt", "one.txt", "--json")
    last = ours("withdraw", "ours", "one.txt")

    assert (done.code, done.lines) == (
        0,
        [{"event": "withdrawn", "repository": "ours", "version": 3, "files": ["two.txt", "one.txt"]}],
    )
    assert (last.code, last.out) == (0, "ours: made version 4 without 1 file\n")
    assert [paths(ours, f"ours@{number}") for number in (2, 3, 4)] == [
        ["deep/one.txt", "one.txt", "two.txt"],
        ["deep/one.txt"],
        [],
    ]


def test_who_asks_is_told_that_it_was_withdrawn(ours: Shell) -> None:
    """As of whatever else was left out on purpose."""
    assert ours("withdraw", "ours", "two.txt").code == 0

    told = ours("why", "ours", "two.txt").out

    assert "withdrawn" in told
    assert "upload it again, with the same bytes" in told


@pytest.mark.promise("P01")
def test_a_name_keeps_its_bytes_also_when_they_are_gone(ours: Shell) -> None:
    """The same file comes back; another by its name never does, not even after a prune."""
    assert ours("withdraw", "ours", "two.txt").code == 0
    assert ours("prune", "ours", "--keep", "1").code == 0
    (ours.folder / "aside").mkdir()
    (ours.folder / "aside" / "two.txt").write_text("another")

    refused, again = ours("upload", "ours", "aside/two.txt"), ours("upload", "ours", "two.txt")

    assert (refused.code, "already exists, with other bytes" in refused.err) == (4, True)
    assert (again.code, paths(ours, "ours")) == (0, ["deep/one.txt", "one.txt", "two.txt"])


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["two.txt", "none.txt"], "the latest version has no file 'none.txt'"),
        (["wo.txt"], "the latest version has no file 'wo.txt'"),
        ([""], "the latest version has no file ''"),
        (["/one.txt"], "the latest version has no file '/one.txt'"),
    ],
)
def test_nothing_goes_where_one_is_not_there(ours: Shell, words: list[str], why: str) -> None:
    """With exit code 2, and where to look."""
    done = ours("withdraw", "ours", *words)

    assert (done.code, why in done.err, "entrepot show" in done.err) == (2, True, True), done.err
    assert len(ours("versions", "ours", "--json").lines) == 2


def test_a_name_of_several_files_is_not_guessed_at(ours: Shell) -> None:
    """More of the path tells which; the whole path of one that lies in no folder does too."""
    (ours.folder / "same.txt").write_text("same")
    for folder in ("a/", "b/"):
        assert ours("upload", "ours", "same.txt", "--path", folder).code == 0

    refused, done = ours("withdraw", "ours", "same.txt"), ours("withdraw", "ours", "b/same.txt")

    assert (refused.code, "means 2 files: a/same.txt, b/same.txt" in refused.err) == (2, True), refused.err
    assert (done.code, paths(ours, "ours")) == (0, ["a/same.txt", "deep/one.txt", "one.txt", "two.txt"])


def test_a_mirror_lets_nothing_go_by_hand(ours: Shell) -> None:
    """Its upstream says what it holds."""
    with (ours.folder / "entrepot.toml").open("a") as file:
        file.write(f'\n[repositories.other]\ntype = "drawer"\nurl = "{ours.folder.as_uri()}/"\n')

    done = ours("withdraw", "other", "one.txt")

    assert (done.code, "takes no uploads" in done.err) == (2, True)


@pytest.mark.fault("C01")
@pytest.mark.promise("P04")
def test_a_failure_at_any_commit_leaves_all_or_nothing(ours: Shell) -> None:
    """And nobody in the way: the same words do it afterwards, unless they had done it."""
    before, after = ["deep/one.txt", "one.txt", "two.txt"], ["deep/one.txt"]
    fired = True
    hit = 0
    while fired:
        hit += 1
        with arm(f"catalog.commit=raise@{hit}") as armed:
            ours("withdraw", "ours", "two.txt", "one.txt")
        fired = bool(armed.fired)
        assert paths(ours, "ours") in (before, after)
        if paths(ours, "ours") == after:
            assert ours("upload", "ours", "one.txt", "two.txt").code == 0
        assert paths(ours, "ours") == before
    assert hit > 2

"""`entrepot upload`: its lines and exit codes."""

from __future__ import annotations

from pathlib import Path

from shell import Shell


def test_all_files_are_one_version(ours: Shell) -> None:
    """To programs in one line, to people in a sentence; what is there already makes none."""
    done = ours("upload", "ours", "one.txt", "two.txt", "--path", "deep/", "--json")
    again = ours("upload", "ours", "one.txt", "--path", "deep/one.txt")

    (line,) = done.lines
    assert (done.code, line) == (
        0,
        {"event": "uploaded", "repository": "ours", "version": 1, "files": ["one.txt", "two.txt"]},
    )
    assert (again.code, again.out) == (0, "ours: 1 file given, and all are there already\n")
    assert "deep/one.txt" in ours("show", "ours@1").out


def test_a_repository_that_takes_uploads_is_added_like_any_other(ours: Shell) -> None:
    """And what comes next is an upload: there is nothing to sync."""
    done = ours("add", "mine", "--type", "drawer", "--set", "uploads=true")

    assert (done.code, done.out.splitlines()[-1]) == (0, "next: entrepot upload mine FILE...")
    assert ours("upload", "mine", "one.txt").code == 0


def test_files_that_cannot_be_taken_are_told_of_with_exit_code_2(ours: Shell) -> None:
    """None of them is taken: one that is missing, one too large, several for one path; other bytes are code 4."""
    (ours.folder / "large.txt").write_text("x" * 1001)
    assert ours("upload", "ours", "one.txt").code == 0
    (ours.folder / "one.txt").write_text("another")

    for words, why in [
        (["two.txt", "none.txt"], "cannot be read"),
        (["two.txt", "large.txt"], "larger than 1000 bytes"),
        (["one.txt", "two.txt", "--path", "same"], "cannot all be served"),
        (["."], "cannot be read"),
    ]:
        done = ours("upload", "ours", *words)
        assert (done.code, why in done.err) == (2, True), done.err
    taken = ours("upload", "ours", "two.txt", "one.txt")
    assert (taken.code, "already exists, with other bytes" in taken.err) == (4, True)
    assert len(ours("versions", "ours", "--json").lines) == 1


def test_only_who_says_so_takes_uploads(ours: Shell, tmp_path: Path) -> None:
    """A repository that mirrors takes none, one that takes some is not synced, and neither can be both."""
    with (ours.folder / "entrepot.toml").open("a") as file:
        file.write(f'\n[repositories.other]\ntype = "drawer"\nurl = "{tmp_path.as_uri()}/"\n')

    refused, synced = ours("upload", "other", "one.txt"), ours("sync", "ours")

    assert (refused.code, "takes no uploads" in refused.err) == (2, True)
    assert (synced.code, "it holds what is uploaded to it" in synced.err) == (2, True)
    with (ours.folder / "entrepot.toml").open("a") as file:
        file.write(f'\n[repositories.both]\ntype = "drawer"\nuploads = true\nurl = "{tmp_path.as_uri()}/"\n')
    both = ours("status")
    assert (both.code, "a repository that takes uploads has no url" in both.err) == (2, True)

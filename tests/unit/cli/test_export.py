"""`entrepot export`: its lines and exit codes."""

from __future__ import annotations

from shell import Shell


def test_an_export_says_what_it_made(ready: Shell) -> None:
    """To programs in one line, to people in a sentence."""
    assert ready("sync").code == 0

    done, again = ready("export", "tools@1", "--static", "site", "--json"), ready("export", "tools", "--static", "site")

    (line,) = done.lines
    assert done.code == 0
    assert (line["event"], line["repository"], line["version"], line["files"]) == ("exported", "tools", 1, 3)
    assert (again.code, again.out.startswith("tools@1 is in site: 3 files")) == (0, True)
    assert (ready.folder / "site" / "feed.json").is_file()


def test_what_is_there_already_is_refused_with_exit_code_2(ready: Shell) -> None:
    """And stays."""
    assert ready("sync").code == 0
    (ready.folder / "site").mkdir()

    done = ready("export", "tools", "--static", "site")

    assert done.code == 2
    assert "no export has made" in done.err
    assert (ready.folder / "site").is_dir()


def test_a_folder_that_cannot_be_written_to_is_told_with_exit_code_5(ready: Shell) -> None:
    """By its path, with a remedy; a file where a folder is needed stops every user."""
    assert ready("sync").code == 0
    (ready.folder / "file").write_text("")

    done = ready("export", "tools", "--static", "file/site")

    assert done.code == 5
    assert "cannot be written" in done.err

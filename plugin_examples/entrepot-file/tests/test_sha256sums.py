"""Lines of a list of checksums."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

from entrepot.plugin import InvalidMetadata
from entrepot_file.entry import BadEntry, Entry
from entrepot_file.sha256sums import read_line, read_lines, write_line

SHA256 = "0a" * 32


@pytest.mark.parametrize(
    ("line", "path"),
    [
        (f"{SHA256}  a.iso", "a.iso"),
        (f"{SHA256} *a.iso", "a.iso"),
        (f"{SHA256}  *a.iso", "*a.iso"),
        (f"{SHA256}   a.iso", " a.iso"),
        (f"{SHA256}  ./folder/a.iso", "folder/a.iso"),
        (f"{SHA256}  .hidden", ".hidden"),
        (f"{SHA256.upper()}  a.iso", "a.iso"),
        (rf"\{SHA256}  a\\b", r"a\b"),
        (rf"\{SHA256} *a\nb\rc", "a\nb\rc"),
        (rf"{SHA256}  a\nb", r"a\nb"),
    ],
)
def test_a_line_is_read(line: str, path: str) -> None:
    """Both marks, escapes where the line says that there are some, and what `find` puts before a name."""
    assert read_line(line) == Entry(path, SHA256, None)


@pytest.mark.parametrize("line", ["", "  ", f"# {SHA256}  a.iso"])
def test_what_is_no_entry_is_passed_over(line: str) -> None:
    """Empty lines and comments name nothing."""
    assert read_line(line) is None


@pytest.mark.parametrize("line", [SHA256, "a.iso", f"{SHA256}\ta.iso", f"{SHA256} a.iso", "<html>"])
def test_a_line_that_names_no_file_is_raised(line: str) -> None:
    """Nobody can say what is missing: the list as a whole is in doubt."""
    with pytest.raises(InvalidMetadata, match="no line of checksums") as told:
        read_line(line)

    assert "sha256sum FILE" in told.value.remedy


@pytest.mark.fault("B13")
@pytest.mark.parametrize(
    ("line", "path", "told"),
    [
        (f"{SHA256[:-2]}  a.iso", "a.iso", "is not a sha256 digest"),
        (f"{'g' * 64}  a.iso", "a.iso", "is not a sha256 digest"),
        (rf"\{SHA256}  a\tb", r"a\tb", "is escaped"),
        ("\\" + SHA256 + "  a\\", "a\\", "is escaped"),
    ],
)
def test_a_line_that_says_what_cannot_be_names_its_file(line: str, path: str, told: str) -> None:
    """One file is given up on; the rest of the list can be used."""
    match read_line(line):
        case BadEntry(relative_path=named, error=error):
            assert named == path
            assert told in error.what
            assert error.remedy
        case entry:
            pytest.fail(f"{entry} was taken for good")


def test_what_coreutils_writes_is_read(tmp_path: Path) -> None:
    """The tool itself is the oracle, for names that no grammar would think of."""
    tool = shutil.which("sha256sum")
    if tool is None:
        pytest.skip("sha256sum is not on this machine")
    names = ["plain", "with space", " leading", "*star", "back\\slash", "new\nline", "-dash", "ünï", "#hash", "a\\n"]
    for name in names:
        (tmp_path / name).write_text(name)

    for mark in ("--text", "--binary"):
        done = subprocess.run([tool, mark, "--", *names], cwd=tmp_path, capture_output=True, check=True, timeout=30)
        lines = done.stdout.decode().removesuffix("\n").split("\n")
        wanted = [Entry(name, hashlib.sha256(name.encode()).hexdigest(), None) for name in names]
        assert [read_line(line) for line in lines] == wanted


def test_what_is_written_is_read_by_coreutils(tmp_path: Path) -> None:
    """People check a mirror with the tool they have."""
    tool = shutil.which("sha256sum")
    if tool is None:
        pytest.skip("sha256sum is not on this machine")
    names = ["plain", "with space", "*star", "ünï", "#hash"]
    for name in names:
        (tmp_path / name).write_text(name)
    written = "".join(write_line(name, hashlib.sha256(name.encode()).hexdigest()) for name in names)

    done = subprocess.run([tool, "--check", "--strict"], cwd=tmp_path, input=written.encode(), check=False, timeout=30)

    assert done.returncode == 0


@pytest.mark.parametrize(
    "odd", ["", "# comment", f"{SHA256.upper()}  a", f"{SHA256}  ./a", rf"\{SHA256}  a\\b", f"{SHA256}  "]
)
def test_lines_that_are_read_at_one_go_say_the_same(odd: str) -> None:
    """Whether the others are all as they should be or not, each line has its own answer."""
    good = [f"{SHA256} {mark}folder/{mark}x.iso" for mark in " *"]

    for lines in (good, [odd, *good], [*good, odd], [odd], [good[0], odd, good[1]]):
        assert repr(list(read_lines("\n".join(lines)))) == repr([read_line(line) for line in lines])

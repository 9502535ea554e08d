"""Lines of a manifest."""

from __future__ import annotations

import pytest

from entrepot.plugin import InvalidMetadata
from entrepot_file.entry import BadEntry, Entry
from entrepot_file.pulp_manifest import read_line, read_lines, write_line

SHA256 = "0a" * 32


@pytest.mark.parametrize(
    ("line", "entry"),
    [
        (f"a.iso,{SHA256},0", Entry("a.iso", SHA256, 0)),
        (f"folder/a b.iso,{SHA256},12", Entry("folder/a b.iso", SHA256, 12)),
        (f"one,two,three,{SHA256},5", Entry("one,two,three", SHA256, 5)),
        (f"a.iso,{SHA256.upper()},5", Entry("a.iso", SHA256, 5)),
        (f"a.iso, {SHA256} , 5 ", Entry("a.iso", SHA256, 5)),
        (f"a.iso,{SHA256},{2**63 - 1}", Entry("a.iso", SHA256, 2**63 - 1)),
        ("", None),
        ("   ", None),
        (f"# a.iso,{SHA256},5", None),
    ],
)
def test_a_line_is_read(line: str, entry: Entry | None) -> None:
    """Path, digest in either case, size; paths may hold commas, and a comment is passed over."""
    assert read_line(line) == entry


@pytest.mark.parametrize("line", ["a.iso", "a.iso,12", SHA256, "<html>", "\0"])
def test_a_line_that_names_no_file_is_raised(line: str) -> None:
    """Nobody can say what is missing: the list as a whole is in doubt."""
    with pytest.raises(InvalidMetadata, match=r"no line of a manifest") as told:
        read_line(line)

    assert "commas" in told.value.remedy


@pytest.mark.fault("B07", "B13")
@pytest.mark.parametrize(
    ("line", "told"),
    [
        (f"a.iso,{SHA256[1:]},5", "is not a sha256 digest"),
        (f"a.iso,{'x' * 64},5", "is not a sha256 digest"),
        ("a.iso,,5", "is not a sha256 digest"),
        (f"a.iso,{SHA256},", "is not a size"),
        (f"a.iso,{SHA256},-1", "is not a size"),
        (f"a.iso,{SHA256},1e3", "is not a size"),
        (f"a.iso,{SHA256},٣", "is not a size"),
        (f"a.iso,{SHA256},{2**63}", "is not a size"),
        (f"a.iso,{SHA256},{'9' * 5000}", "is not a size"),
    ],
)
def test_a_line_that_says_what_cannot_be_names_its_file(line: str, told: str) -> None:
    """One file is given up on; the rest of the list can be used."""
    match read_line(line):
        case BadEntry(relative_path=path, error=error):
            assert path == "a.iso"
            assert told in error.what
            assert error.remedy
        case entry:
            pytest.fail(f"{entry} was taken for good")


def test_what_is_written_is_read_again() -> None:
    """A mirror of a mirror says the same."""
    assert read_line(write_line("a,b/c d.iso", SHA256, 7).removesuffix("\n")) == Entry("a,b/c d.iso", SHA256, 7)


@pytest.mark.parametrize(
    "odd", ["", "# comment", f"a.iso,{SHA256.upper()},1", "a.iso,,1", f"#a,{SHA256},1", f",{SHA256},1"]
)
def test_lines_that_are_read_at_one_go_say_the_same(odd: str) -> None:
    """Whether the others are all as they should be or not, each line has its own answer."""
    good = [f"folder/{number},x.iso,{SHA256},{number}" for number in range(5)]

    for lines in (good, [odd, *good], [*good, odd], [odd], [*good[:2], odd, *good[2:]]):
        assert repr(list(read_lines("\n".join(lines)))) == repr([read_line(line) for line in lines])

"""Reading a list without having much of it in memory."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest

from entrepot.plugin import InvalidMetadata
from entrepot_file.numbered_lines import LONGEST_LINE, blocks_of_lines


def numbered(path: Path) -> list[tuple[int, str]]:
    """Read all lines, each with its number."""
    return [
        (number, line) for first, lines in blocks_of_lines(path) for number, line in enumerate(lines.split("\n"), first)
    ]


@pytest.mark.fault("B18")
@pytest.mark.parametrize(
    ("body", "lines"),
    [
        (b"", []),
        (b"a", ["a"]),
        (b"a\nb\n", ["a", "b"]),
        (b"a\r\nb\r\n", ["a", "b"]),
        (b"a\n\nb", ["a", "", "b"]),
        (b"\xef\xbb\xbfa\n", ["a"]),
        ("ä\n\u2028\n".encode(), ["ä", "\u2028"]),
    ],
)
def test_lines_are_read_without_their_ends(tmp_path: Path, body: bytes, lines: list[str]) -> None:
    """Both ends of lines, a last line without one, a byte order mark; nothing else ends a line."""
    path = tmp_path / "list"
    path.write_bytes(body)

    assert numbered(path) == list(enumerate(lines, 1))


def test_numbers_hold_over_blocks(tmp_path: Path) -> None:
    """Whatever a line is cut into when it is read, it comes whole and has its number."""
    path, lines = tmp_path / "list", [f"{number} " + "ä" * (number % 97) for number in range(30_000)]
    path.write_text("\n".join(lines))

    assert numbered(path) == list(enumerate(lines, 1))


@pytest.mark.fault("B18")
def test_what_is_not_text_is_told_with_its_line(tmp_path: Path) -> None:
    """The line is named, wherever in a block it stands."""
    path = tmp_path / "list"
    path.write_bytes(b"a\nb\nc\xff\nd\n")

    with pytest.raises(InvalidMetadata, match="not UTF-8") as told:
        numbered(path)

    assert told.value.where == "line 3"


@pytest.mark.fault("B12")
@pytest.mark.promise("P33")
def test_a_line_without_an_end_is_refused_early(tmp_path: Path) -> None:
    """A file that is one long line does not end up in memory."""
    path = tmp_path / "list"
    path.write_bytes(b"a\nb\n" + b"x" * 20_000_000)

    tracemalloc.start()
    try:
        with pytest.raises(InvalidMetadata, match=f"longer than {LONGEST_LINE} bytes") as told:
            numbered(path)
        assert tracemalloc.get_traced_memory()[1] < 3_000_000
    finally:
        tracemalloc.stop()

    assert told.value.where == "line 3"


@pytest.mark.fault("B12")
@pytest.mark.promise("P27")
def test_memory_does_not_grow_with_the_list(tmp_path: Path) -> None:
    """A hundred thousand lines take as much memory as a few thousand."""
    path = tmp_path / "list"
    path.write_text("a line of a list as lines of lists are\n" * 100_000)

    tracemalloc.start()
    try:
        count = sum(lines.count("\n") + 1 for _, lines in blocks_of_lines(path))
        assert tracemalloc.get_traced_memory()[1] < 3_000_000
    finally:
        tracemalloc.stop()

    assert count == 100_000

"""Control files, whatever they hold, are read as paragraphs or refused by their line."""

from __future__ import annotations

import io
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.plugin import InvalidMetadata
from entrepot_deb.paragraphs import Paragraph, ReadLimits, read_paragraphs, render_paragraphs

NAMES = st.from_regex(r"[A-Z][A-Za-z0-9-]{0,12}", fullmatch=True)
WORDS = st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]), max_size=20)
FIRSTS = WORDS.map(lambda text: text.strip(" \t"))
LATER = FIRSTS.filter(bool).map(lambda text: f" {text}")
VALUES = st.builds(lambda first, later: "\n".join([first, *later]), FIRSTS, st.lists(LATER, max_size=3))
FIELDS = st.lists(st.tuples(NAMES, VALUES), min_size=1, max_size=6, unique_by=lambda pair: pair[0].lower()).map(dict)


def read(data: bytes, limits: ReadLimits | None = None) -> list[Paragraph]:
    """All paragraphs of some bytes."""
    return list(read_paragraphs(io.BytesIO(data), what="Packages", limits=limits))


def test_fields_are_found_whatever_the_case_of_their_name() -> None:
    """A paragraph knows where it begins, and a list of several lines is read line by line."""
    first, second = read(b"Package: hello\nVersion: 1\n\n\npackage: bye\nSHA256:\n aa 1 x\n bb 2 y\n")

    assert (first.get("PACKAGE"), first.line) == ("hello", 1)
    assert (second.get("Package"), second.line) == ("bye", 5)
    assert second.lines("sha256") == ["aa 1 x", "bb 2 y"]
    assert second.lines("Files") == []


@given(st.lists(FIELDS, max_size=4))
def test_what_was_written_is_read_again(paragraphs: list[dict[str, str]]) -> None:
    """Names, values and their order survive; so does the border between two paragraphs."""
    written = b"".join(render_paragraphs(Paragraph(fields) for fields in paragraphs))

    again = read(written)

    assert [list(paragraph.fields.items()) for paragraph in again] == [list(fields.items()) for fields in paragraphs]


@pytest.mark.fault("B18")
@given(st.one_of(st.binary(max_size=300), st.text("aB:-# \t\n\r\0é", max_size=300).map(str.encode)))
def test_any_bytes_are_paragraphs_or_our_error(data: bytes) -> None:
    """Nothing else is raised; what is read can be written, and means the same."""
    try:
        paragraphs = read(data)
    except InvalidMetadata:
        return

    again = read(b"".join(render_paragraphs(paragraphs)))
    assert [paragraph.fields for paragraph in again] == [paragraph.fields for paragraph in paragraphs]


@given(st.text("aB: \t\n", max_size=60).map(str.encode), st.integers(1, 7))
def test_where_a_file_is_cut_into_blocks_does_not_matter(data: bytes, size: int) -> None:
    """The same paragraphs at the same lines, or the same error."""

    class Cut(io.BytesIO):
        def read(self, _: int | None = -1, /) -> bytes:
            return super().read(size)

    def told(file: io.BytesIO) -> list[Paragraph] | str:
        try:
            return list(read_paragraphs(file, what="Packages"))
        except InvalidMetadata as error:
            return str(error)

    assert told(Cut(data)) == told(io.BytesIO(data))


@given(st.one_of(st.lists(FIELDS, max_size=3), st.just([])), st.text("aB: \t\n\r", max_size=40))
def test_what_is_read_at_once_is_what_is_read_line_by_line(paragraphs: list[dict[str, str]], more: str) -> None:
    """A limit of a line that no paragraph of several keeps sends those the careful way, and changes nothing else."""
    data = b"".join(render_paragraphs(Paragraph(fields) for fields in paragraphs)) + more.encode()

    def told(limits: ReadLimits | None) -> list[Paragraph] | str:
        try:
            return read(data, limits)
        except InvalidMetadata as error:
            return str(error)

    assert told(None) == told(ReadLimits(line=max(map(len, data.split(b"\n"))) + 1))


@pytest.mark.fault("B18")
@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (b"Package: b\r\n", "carriage return"),
        (b"Package: \xff\n", "UTF-8"),
        (b"\xef\xbb\xbfPackage: b\n", "no field"),
        (b"<html>\n", "no field"),
        (b"# a comment: here\n", "no field"),
        (b"-----BEGIN PGP SIGNED MESSAGE-----\n", "no field"),
        (b" more\n", "goes on"),
        (b"Package: b\n \t\nVersion: 2\n", "blanks alone"),
        (b"Package: b\nPACKAGE: c\n", "twice"),
    ],
)
def test_a_line_that_cannot_be_is_told_with_its_number(bad: bytes, why: str) -> None:
    """What two readers could understand differently is refused, never guessed."""
    with pytest.raises(InvalidMetadata, match=why) as caught:
        read(b"Package: a\n\n" + bad)

    bad_line = 4 if bad.count(b"\n") > 1 else 3
    assert f"line {bad_line} " in str(caught.value)
    assert "Packages" in str(caught.value)


@pytest.mark.parametrize(
    ("data", "limits"),
    [
        (b"A: " + b"x" * 50 + b"\n", ReadLimits(line=40)),
        (b"A: 1\n" + b" more\n" * 20, ReadLimits(paragraph=60)),
        (b"A: 1\nB: 2\nC: 3\n", ReadLimits(fields=2)),
        (b"A: 1\n b\n c\n", ReadLimits(lines=2)),
    ],
)
def test_no_paragraph_grows_without_end(data: bytes, limits: ReadLimits) -> None:
    """A line, a paragraph, and the numbers of its fields and lines have limits."""
    with pytest.raises(InvalidMetadata, match=r"longer|more than"):
        read(data, limits)

    assert read(data)


@pytest.mark.promise("P27")
def test_a_long_paragraph_lets_no_more_short_ones_in_at_once() -> None:
    """What is read at a time has a bound of its own: millions of paragraphs fit into the longest one's bytes."""
    long = b"A:\n" + (b" " + b"x" * 1000 + b"\n") * 4200 + b"\n"
    stream = read_paragraphs(io.BytesIO(long + b"A:\n\n" * 2_000_000), what="Packages")
    tracemalloc.start()
    given = [paragraph.line for paragraph, _ in zip(stream, range(2), strict=False)]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert given == [1, 4203]
    assert peak < 40_000_000


def test_paragraphs_before_a_bad_one_are_given() -> None:
    """The file is a stream: its reader decides what becomes of the paragraphs before."""
    stream = read_paragraphs(io.BytesIO(b"Package: a\n\nnonsense\n"), what="Packages")

    assert next(stream).get("Package") == "a"
    with pytest.raises(InvalidMetadata, match="line 3"):
        next(stream)

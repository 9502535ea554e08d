"""Reads paragraphs of control data (Release, Packages, Sources) as a stream, and writes them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import IO, Final

import attrs

from entrepot.plugin import InvalidMetadata

#: Visible ASCII without a colon; a comment or an armour's dash begins no field.
_NAME = re.compile(r"[!-\"$-,.-9;-~][!-9;-~]*")
_BLANKS: Final = " \t"

#: A field: its name, its first line, and those after it.
_FIELD = re.compile(rf"^({_NAME.pattern}):(.*)((?:\n[ \t].*)*)", re.MULTILINE)

_LINE_OF_BLANKS = re.compile(r"^[ \t]+$", re.MULTILINE)

#: What ends a paragraph.
_BORDER: Final = b"\n\n"

#: Bytes that are read at a time; more where a long paragraph is put together, so that it is few times.
_BLOCK, _LARGEST_BLOCK = 32 * 1024, 1024 * 1024


@attrs.frozen
class ReadLimits:
    """What a control file may ask of its reader; the defaults are well above what archives publish."""

    line: int = 1024 * 1024  #: bytes
    paragraph: int = 16 * 1024 * 1024  #: bytes
    fields: int = 500  #: of one paragraph
    lines: int = 1_000_000  #: of one paragraph


@attrs.frozen
class Paragraph:
    """Fields in the order they were read.

    Values are whole: lines after the first keep the blank they begin with.
    """

    fields: Mapping[str, str]
    line: int = 1  #: where it begins in its file
    spelt: Mapping[str, str] = attrs.field(init=False, eq=False, repr=False)  #: its names by their lower case

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "spelt", {name.lower(): name for name in self.fields})

    def get(self, name: str) -> str | None:
        """Return a field's value whatever the case of its name; None where there is no such field."""
        spelt = self.spelt.get(name.lower())
        return None if spelt is None else self.fields[spelt]

    def lines(self, name: str) -> list[str]:
        """Return the lines of a list of several lines, without blanks around them and without the empty first."""
        stripped = [line.strip(_BLANKS) for line in (self.get(name) or "").split("\n")]
        return stripped if stripped[0] else stripped[1:]


def read_paragraphs(file: IO[bytes], *, what: str, limits: ReadLimits | None = None) -> Iterator[Paragraph]:
    """Yield the paragraphs of a file, holding some at a time.

    What two readers could understand differently is refused: a field given twice, a line of blanks
    alone, carriage returns. `InvalidMetadata` names `what` and the line, and comes when that line is
    reached: paragraphs before it have been yielded.
    """
    limits = limits or ReadLimits()
    number, rest = 0, b""
    while block := file.read(max(_BLOCK, min(len(rest), _LARGEST_BLOCK))):
        *whole, rest = (rest + block).split(_BORDER)
        for raw in whole:
            yield from _paragraph(raw, number, what, limits)
            number += raw.count(b"\n") + len(_BORDER)
        if len(rest) > limits.paragraph:
            filled = rest.lstrip(b"\n")
            number, rest = number + len(rest) - len(filled), filled
            if len(rest) > limits.paragraph:
                _line_by_line(rest[: limits.paragraph + 1], number, what, limits)  # which says that it is too long
    yield from _paragraph(rest.removesuffix(b"\n"), number, what, limits)


def render_paragraphs(paragraphs: Iterable[Paragraph]) -> Iterator[bytes]:
    """Yield each paragraph as text; read again it has the same fields in the same order."""
    for number, paragraph in enumerate(paragraphs):
        yield ("\n" * bool(number) + render(paragraph)).encode()


def render(paragraph: Paragraph) -> str:
    """Write one paragraph."""
    fields = paragraph.fields.items()
    return "".join(
        [f"{name}: {value}\n" if value and value[0] != "\n" else f"{name}:{value}\n" for name, value in fields]
    )


def _paragraph(raw: bytes, before: int, what: str, limits: ReadLimits) -> Iterator[Paragraph]:
    """Yield the paragraph of some lines, if there is one among them; so many lines are before those."""
    filled = raw.lstrip(b"\n")
    if filled:
        before += len(raw) - len(filled)
        paragraph = _at_once(filled, before + 1, limits)
        yield paragraph if paragraph is not None else _line_by_line(filled, before, what, limits)


def _at_once(raw: bytes, line: int, limits: ReadLimits) -> Paragraph | None:
    """Read what nearly all paragraphs are; None for one that is to be looked at line by line."""
    if len(raw) > min(limits.line, limits.paragraph):
        return None
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return None
    if "\r" in text or "\0" in text or _LINE_OF_BLANKS.search(text):
        return None
    found, lines = _FIELD.findall(text), text.count("\n") + 1
    if lines > limits.lines or len(found) > limits.fields:
        return None
    if lines != len(found) + sum([later.count("\n") for _, _, later in found]):
        return None
    paragraph = Paragraph({name: _value(first, later) for name, first, later in found}, line)
    return paragraph if len(paragraph.spelt) == len(found) else None


def _value(first: str, later: str) -> str:
    if not later:
        return first.strip(_BLANKS)
    return "\n".join([first.strip(_BLANKS), *(line.rstrip(_BLANKS) for line in later.split("\n")[1:])])


def _line_by_line(raw: bytes, before: int, what: str, limits: ReadLimits) -> Paragraph:
    """Read one paragraph with care; what breaks a rule is told with its line."""
    building = _Building(what, limits, before=before)
    for line in raw.split(b"\n"):
        building.add(line + b"\n")
    return building.finish()


class _Building:
    """A paragraph that is read line by line, and where in the file."""

    def __init__(self, what: str, limits: ReadLimits, *, before: int) -> None:
        self._what = what
        self._limits = limits
        self._number = before
        self._values: dict[str, list[str]] = {}
        self._seen: set[str] = set()
        self._last: list[str] | None = None
        self._bytes = 0
        self._from = 0
        self._lines = 0

    def finish(self) -> Paragraph:
        """The paragraph, of at least one field."""
        return Paragraph({name: "\n".join(lines) for name, lines in self._values.items()}, self._from)

    def add(self, line: bytes) -> None:
        """Take one line that is not empty."""
        self._number += 1
        if len(line) > self._limits.line:
            raise self._broken(f"it is longer than {self._limits.line} bytes")
        self._bytes += len(line)
        self._lines += 1
        if self._bytes > self._limits.paragraph:
            raise self._broken(f"its paragraph is longer than {self._limits.paragraph} bytes")
        if self._lines > self._limits.lines:
            raise self._broken(f"its paragraph has more than {self._limits.lines} lines")
        text = self._text(line)
        if text[0] not in _BLANKS:
            self._add_field(text)
        elif self._last is None:
            raise self._broken("it goes on with a field, and there is none")
        else:
            self._last.append(text.rstrip(_BLANKS))

    def _text(self, line: bytes) -> str:
        try:
            text = line.decode().removesuffix("\n")
        except UnicodeDecodeError:
            raise self._broken("it is not in UTF-8") from None
        if "\r" in text or "\0" in text:
            raise self._broken("it has a carriage return or a NUL")
        if not text.strip(_BLANKS):
            raise self._broken("it has blanks alone: some readers end a paragraph there, and others do not")
        return text

    def _add_field(self, text: str) -> None:
        name, colon, value = text.partition(":")
        if not colon or not _NAME.fullmatch(name):
            raise self._broken("it is no field: a name and a colon are missing")
        if name.lower() in self._seen:
            raise self._broken(f"{name[:80]} is given twice")
        if len(self._seen) >= self._limits.fields:
            raise self._broken(f"its paragraph has more than {self._limits.fields} fields")
        self._from = self._from or self._number
        self._seen.add(name.lower())
        self._last = self._values[name] = [value.strip(_BLANKS)]

    def _broken(self, why: str) -> InvalidMetadata:
        """Say what is wrong with the line just read."""
        return InvalidMetadata(
            f"line {self._number} cannot be read: {why}",
            where=self._what,
            remedy="sync again; if it stays so, report it to whoever runs the archive",
        )

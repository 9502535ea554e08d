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
    _spelt: Mapping[str, str] = attrs.field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "_spelt", {name.lower(): name for name in self.fields})

    def get(self, name: str) -> str | None:
        """Return a field's value whatever the case of its name; None where there is no such field."""
        spelt = self._spelt.get(name.lower())
        return None if spelt is None else self.fields[spelt]

    def lines(self, name: str) -> list[str]:
        """Return the lines of a list of several lines, without blanks around them and without the empty first."""
        stripped = [line.strip(_BLANKS) for line in (self.get(name) or "").split("\n")]
        return stripped if stripped[0] else stripped[1:]


def read_paragraphs(file: IO[bytes], *, what: str, limits: ReadLimits | None = None) -> Iterator[Paragraph]:
    """Yield the paragraphs of a file, holding one at a time.

    What two readers could understand differently is refused: a field given twice, a line of blanks
    alone, carriage returns. `InvalidMetadata` names `what` and the line, and comes when that line is
    reached: paragraphs before it have been yielded.
    """
    limits = limits or ReadLimits()
    building = _Building(what, limits)
    while line := file.readline(limits.line + 1):
        building.number += 1
        if len(line) > limits.line:
            raise building.broken(f"it is longer than {limits.line} bytes")
        if line == b"\n":
            yield from building.finish()
        else:
            building.add(line)
    yield from building.finish()


def render_paragraphs(paragraphs: Iterable[Paragraph]) -> Iterator[bytes]:
    """Yield each paragraph as text; read again it has the same fields in the same order."""
    for number, paragraph in enumerate(paragraphs):
        text = "".join(_field(name, value) for name, value in paragraph.fields.items())
        yield ("\n" * bool(number) + text).encode()


def _field(name: str, value: str) -> str:
    return f"{name}:{'' if not value or value.startswith(chr(10)) else ' '}{value}\n"


class _Building:
    """The paragraph that is being read, and where in the file."""

    def __init__(self, what: str, limits: ReadLimits) -> None:
        self._what = what
        self._limits = limits
        self._begin()
        self.number = 0

    def _begin(self) -> None:
        self._values: dict[str, list[str]] = {}
        self._seen: set[str] = set()
        self._last: list[str] | None = None
        self._bytes = 0
        self._lines = 0
        self._from = 0

    def finish(self) -> Iterator[Paragraph]:
        """Yield what was read since the last empty line, if anything was, and begin anew."""
        if self._values:
            yield Paragraph({name: "\n".join(lines) for name, lines in self._values.items()}, self._from)
        self._begin()

    def add(self, line: bytes) -> None:
        """Take one line that is not empty."""
        self._bytes += len(line)
        self._lines += 1
        if self._bytes > self._limits.paragraph:
            raise self.broken(f"its paragraph is longer than {self._limits.paragraph} bytes")
        if self._lines > self._limits.lines:
            raise self.broken(f"its paragraph has more than {self._limits.lines} lines")
        text = self._text(line)
        if text[0] not in _BLANKS:
            self._add_field(text)
        elif self._last is None:
            raise self.broken("it goes on with a field, and there is none")
        else:
            self._last.append(text.rstrip(_BLANKS))

    def _text(self, line: bytes) -> str:
        try:
            text = line.decode().removesuffix("\n")
        except UnicodeDecodeError:
            raise self.broken("it is not in UTF-8") from None
        if "\r" in text or "\0" in text:
            raise self.broken("it has a carriage return or a NUL")
        if not text.strip(_BLANKS):
            raise self.broken("it has blanks alone: some readers end a paragraph there, and others do not")
        return text

    def _add_field(self, text: str) -> None:
        name, colon, value = text.partition(":")
        if not colon or not _NAME.fullmatch(name):
            raise self.broken("it is no field: a name and a colon are missing")
        if name.lower() in self._seen:
            raise self.broken(f"{name[:80]} is given twice")
        if len(self._seen) >= self._limits.fields:
            raise self.broken(f"its paragraph has more than {self._limits.fields} fields")
        self._from = self._from or self.number
        self._seen.add(name.lower())
        self._last = self._values[name] = [value.strip(_BLANKS)]

    def broken(self, why: str) -> InvalidMetadata:
        """Say what is wrong with the line just read."""
        return InvalidMetadata(
            f"line {self.number} cannot be read: {why}",
            where=self._what,
            remedy="sync again; if it stays so, report it to whoever runs the archive",
        )

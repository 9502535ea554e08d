"""XML from outside, as a stream of events, without anything that can refer to something else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import BinaryIO, Final, NamedTuple, NoReturn, TypeAlias
from xml.parsers import expat

import attrs

from entrepot.decoding.limits import beyond, unreadable

_PIECE: Final = 64 * 1024


class XmlBegun(NamedTuple):
    """An element begins; names are written as `namespace name`, or bare when they have none."""

    name: str
    attributes: Mapping[str, str]


class XmlText(NamedTuple):
    """Characters of the element that was begun last; one text may come in pieces."""

    text: str


class XmlEnded(NamedTuple):
    """An element ends."""

    name: str


#: What `bounded_xml` yields, in the order of the document.
XmlEvent: TypeAlias = XmlBegun | XmlText | XmlEnded


@attrs.frozen(kw_only=True)
class XmlLimits:
    """How much XML may hold: levels, attributes of one element, bytes of one tag or comment.

    A namespace is written out in every name that it stands for, and a parser keeps every name that
    it saw: `longest_namespace` is in characters, and `most_names` are different ones of a document.
    """

    deepest: int = 64
    most_attributes: int = 200
    longest_token: int = 1024 * 1024
    longest_namespace: int = 1024
    most_names: int = 10_000


def bounded_xml(file: BinaryIO, *, limits: XmlLimits | None = None, where: str = "") -> Iterator[XmlEvent]:
    """Yield what XML holds, piece by piece; memory does not grow with the file.

    A document type is refused outright with all that it could declare: entities, whether they
    multiply or are read from elsewhere, and default attributes. XInclude is an element like any
    other. What is over a limit raises `BeyondLimits`, what is no XML `InvalidMetadata`.
    """
    reading = _Reading(limits or XmlLimits(), where)
    while piece := file.read(_PIECE):
        yield from reading.take(piece)
    yield from reading.end()


class _Reading:
    """One document on its way through the parser."""

    def __init__(self, limits: XmlLimits, where: str) -> None:
        self._limits, self._where = limits, where
        self._depth = self._fed = 0
        self._events: list[XmlEvent] = []
        self._parser = parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartDoctypeDeclHandler = self._refuse_type
        parser.StartNamespaceDeclHandler = self._declare
        parser.StartElementHandler = self._begin
        parser.EndElementHandler = self._finish
        parser.CharacterDataHandler = lambda text: self._events.append(XmlText(text))

    def take(self, piece: bytes) -> list[XmlEvent]:
        """Feed a piece, and return what it completed."""
        self._fed += len(piece)
        self._parse(piece, is_last=False)
        if self._fed - max(self._parser.CurrentByteIndex, 0) > self._limits.longest_token + 2 * _PIECE:
            raise beyond(f"this is XML with a tag of more than {self._limits.longest_token} bytes", self._where)
        if len(self._parser.intern) > self._limits.most_names:
            raise beyond(f"this is XML of more than {self._limits.most_names} different names", self._where)
        return self._drained()

    def end(self) -> list[XmlEvent]:
        """Say that this was all."""
        self._parse(b"", is_last=True)
        return self._drained()

    def _parse(self, piece: bytes, *, is_last: bool) -> None:
        try:
            self._parser.Parse(piece, is_last)
        except expat.ExpatError as error:
            raise unreadable("XML", error, self._where) from error

    def _drained(self) -> list[XmlEvent]:
        events, self._events = self._events, []
        return events

    def _declare(self, _prefix: str | None, namespace: str | None) -> None:
        if len(namespace or "") > self._limits.longest_namespace:
            most = self._limits.longest_namespace
            raise beyond(f"this is XML with a namespace of more than {most} characters", self._where)

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > self._limits.deepest:
            raise beyond(f"this is XML of more than {self._limits.deepest} levels", self._where)
        if len(attributes) > self._limits.most_attributes:
            raise beyond(f"an element has more than {self._limits.most_attributes} attributes", self._where)
        self._events.append(XmlBegun(name, attributes))

    def _finish(self, name: str) -> None:
        self._depth -= 1
        self._events.append(XmlEnded(name))

    def _refuse_type(self, *_: object) -> NoReturn:
        raise unreadable("XML", "it has a document type, which could make much of little", self._where)

"""Reads the names of all projects from the index's root page, as a stream."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import IO, Final, NamedTuple

from entrepot.plugin import InvalidMetadata
from entrepot_python.read_html import Links

_CHUNK: Final = 64 * 1024

#: Characters of one project's entry, at most.
_LONGEST: Final = 1024 * 1024
_PROJECTS = re.compile(r'"projects"\s*:\s*\[')
_BETWEEN = re.compile(r"[\s,]*")


class Named(NamedTuple):
    """A project as the list has it; some indexes count their changes, and tell here when it last changed."""

    name: str
    serial: int | None = None


def read_root(file: IO[str], *, is_json: bool) -> Iterator[Named]:
    """Yield the projects with their names as they are written, whatever the page's size.

    A page that breaks off raises `InvalidMetadata` when its end is reached, not before.
    """
    try:
        yield from _from_json(file) if is_json else _from_html(file)
    except UnicodeDecodeError as error:
        raise _broken(f"it is not in UTF-8: {error}") from error


def _from_html(file: IO[str]) -> Iterator[Named]:
    page, any_name = Links(), False
    while chunk := file.read(_CHUNK):
        page.take(chunk)
        for link in page.links:
            path = (link["href"] or "").partition("#")[0].partition("?")[0]
            name = path.rstrip("/").rpartition("/")[2]
            if name and name != "..":
                any_name = True
                yield Named(name)
        page.links.clear()
    page.finish()
    if not any_name and page.fact("repository-version") is None:
        raise _broken("it names no project, and does not say that it is an index's: perhaps it is a login page")


def _from_json(file: IO[str]) -> Iterator[Named]:
    window = _Window(file)
    window.skip_past(_PROJECTS)
    while (project := window.next_object()) is not None:
        name = project.get("name")
        if not isinstance(name, str):
            raise _broken("a project has no name")
        serial = project.get("_last-serial")
        yield Named(name, serial if type(serial) is int else None)


class _Window:
    """A stretch of JSON text that moves over a file; as long as one object needs."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self._text = ""
        self._at = 0
        self._decode = json.JSONDecoder().raw_decode

    def skip_past(self, pattern: re.Pattern[str]) -> None:
        """Move behind the first match."""
        while (found := pattern.search(self._text)) is None:
            self._at = max(0, len(self._text) - _CHUNK)
            self._more()
        self._at = found.end()

    def next_object(self) -> dict[str, object] | None:
        """Return the next object of the list, or None at the list's end."""
        while True:
            self._at = _end(_BETWEEN.match(self._text, self._at))
            if self._text.startswith("]", self._at):
                return None
            if self._text.startswith("{", self._at):
                found = self._object()
                if found is not None:
                    return found
            elif self._at < len(self._text):
                raise _broken("a project is not an object")
            self._more()

    def _object(self) -> dict[str, object] | None:
        try:
            value, self._at = self._decode(self._text, self._at)
        except (ValueError, RecursionError):
            if len(self._text) - self._at > _LONGEST:
                raise _broken("it is not JSON") from None
            return None
        return dict(value)

    def _more(self) -> None:
        chunk = self._file.read(_CHUNK)
        if not chunk:
            raise _broken("it ends too early")
        self._text, self._at = self._text[self._at :] + chunk, 0


def _end(found: re.Match[str] | None) -> int:
    return found.end() if found else 0


def _broken(why: str) -> InvalidMetadata:
    return InvalidMetadata(
        f"the list of all projects cannot be read: {why}",
        remedy="sync again; if it stays so, report it to whoever runs the index, or name projects in include",
    )

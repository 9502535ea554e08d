"""What a URL asks for: a repository, perhaps one of its versions, and a path in it."""

from __future__ import annotations

from urllib.parse import quote, unquote_to_bytes

import attrs

from entrepot.errors import EntrepotError, InvalidPath
from entrepot.model.moments import number_or_moment
from entrepot.model.publication import published_path


class NoSuchPath(EntrepotError):
    """Nothing is served under a URL."""


@attrs.frozen
class Target:
    """A place in a repository. `at` is a number, a moment (seconds since 1970), or None for the latest.

    `path` is "" for the root, and None when not even the slash after the name was written.
    `written` is name and version as they stand in the URL.
    """

    name: str
    at: int | float | None
    path: str | None
    written: str = attrs.field(eq=False, default="")

    @property
    def folder_url(self) -> str:
        """The same place with a slash after it, seen from the place itself: the version stays."""
        last = self.written if self.path is None else self.path.rpartition("/")[2]
        return f"./{quote(last)}/"


def parse_target(raw_path: str) -> Target:
    """Read the path of a URL as it was sent; percent signs are decoded once.

    A "./" behind the repository is passed over: apt sends it for archives that its lines name so.
    Whatever cannot be the path of anything is `NoSuchPath`, so that all such answers are alike.
    """
    try:
        path = unquote_to_bytes(raw_path).decode()
    except UnicodeError as error:
        raise NoSuchPath("nothing is served here") from error
    first, slash, rest = path.removeprefix("/").partition("/")
    name, at_sign, version = first.partition("@")
    if not path.startswith("/") or not name:
        raise NoSuchPath("nothing is served here")
    at = _parse_version(version) if at_sign else None
    if "/./" in raw_path:
        rest = rest.removeprefix("./")
    return Target(name, at, _checked(rest) if slash else None, written=first)


def _checked(path: str) -> str:
    if not path:
        return path
    try:
        return published_path(path)
    except InvalidPath as error:
        raise NoSuchPath("nothing is served here") from error


def _parse_version(text: str) -> int | float:
    try:
        return number_or_moment(text)
    except ValueError as error:
        raise NoSuchPath(str(error)) from error

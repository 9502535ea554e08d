"""Naming a repository, and one of its versions, in one word: NAME, NAME@7, NAME@2026-11-01."""

from __future__ import annotations

import datetime
import re

import attrs

from entrepot.errors import ConfigurationError

#: As in a URL: longer ones number no version, and some of them no database can be asked for.
_NUMBER = re.compile(r"[0-9]{1,9}")


@attrs.frozen
class Reference:
    """A repository, at a number, at a moment in seconds since 1970, or at its latest version."""

    name: str
    at: int | float | None = None

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Read what a person typed; a day without a time zone is one of UTC, and begins at midnight."""
        name, separator, at = text.partition("@")
        if not separator:
            return cls(name)
        if _NUMBER.fullmatch(at):
            return cls(name, int(at))
        try:
            moment = datetime.datetime.fromisoformat(at)
        except ValueError as error:
            raise ConfigurationError(
                f"{at!r} is neither a version's number nor a date",
                where=text,
                remedy=f"write {name}@7 or {name}@2026-11-01; there are: entrepot versions {name}",
            ) from error
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=datetime.UTC)
        return cls(name, moment.timestamp())

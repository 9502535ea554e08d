"""Naming a repository, and one of its versions, in one word: NAME, NAME@7, NAME@2026-11-01."""

from __future__ import annotations

import attrs

from entrepot.errors import ConfigurationError
from entrepot.model.moments import number_or_moment


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
        try:
            return cls(name, number_or_moment(at))
        except ValueError as error:
            raise ConfigurationError(
                str(error),
                where=text,
                remedy=f"write {name}@7 or {name}@2026-11-01; there are: entrepot versions {name}",
            ) from error

"""Repositories, and the immutable versions that accumulate in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from entrepot.errors import NotBound

if TYPE_CHECKING:
    import datetime

    from entrepot.model.workshop import Workshop


@attrs.frozen
class Repository:
    """A name under which versions accumulate. Taken from a depot, it can be synced into."""

    name: str
    type: str
    private: bool = attrs.field(default=False, kw_only=True)
    _workshop: Workshop | None = attrs.field(default=None, kw_only=True, eq=False, repr=False)

    @property
    def workshop(self) -> Workshop:
        """What the depot lends to act on the repository; `NotBound` when no depot gave it."""
        if self._workshop is None:
            raise NotBound(f"repository {self.name!r}")
        return self._workshop


@attrs.frozen
class RepositoryVersion:
    """A set of content with a number; visible whole or not at all, and never changed."""

    repository: Repository
    number: int
    completed: datetime.datetime = attrs.field(kw_only=True)

    def __str__(self) -> str:
        return f"{self.repository.name}@{self.number}"

"""A file as it is listed, whatever the list."""

from __future__ import annotations

from typing import Final, NamedTuple

from entrepot.plugin import InvalidMetadata

#: The lists that entrepot writes itself: upstream's own would stand in their way.
OWN_LISTS: Final = frozenset({"PULP_MANIFEST", "SHA256SUMS"})


class Entry(NamedTuple):
    """A line that can be used; the digest is in lower case, the path is not checked yet."""

    relative_path: str
    sha256: str
    size: int | None


class BadEntry(NamedTuple):
    """A line that names a file and says something about it that cannot be."""

    relative_path: str
    error: InvalidMetadata

"""A connection to either database: as little of it as the catalog asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


class Cursor(Protocol):
    """What a statement gave, read once."""

    @property
    def rowcount(self) -> int:
        """How many rows a statement wrote."""

    def fetchone(self) -> Any: ...
    def fetchall(self) -> Sequence[Any]: ...
    def __iter__(self) -> Iterator[Any]: ...
    def close(self) -> None: ...


class Connection(Protocol):
    """Used by one thread at a time; nothing is begun or committed but by a statement that says so.

    What fails raises the driver's error, which `told` knows. Leaving its block gives it back.
    """

    @property
    def lost(self) -> bool:
        """Whether the server closed it: nothing runs on it any more."""

    def execute(self, said: str, values: Mapping[str, Any] | None = None, /) -> Cursor:
        """Run a statement that is worded for this database."""

    def execute_many(self, said: str, rows: Sequence[Mapping[str, Any]], /) -> None:
        """Run a statement once for each row."""

    def stream(self, said: str, values: Mapping[str, Any], /) -> Cursor:
        """Run a statement whose rows are read as they are asked for, within a transaction."""

    def rollback(self) -> None:
        """Undo what was begun; nothing happens where nothing was."""

    def close(self) -> None:
        """Give it back; what was begun is undone."""

    def __enter__(self) -> Self: ...
    def __exit__(self, *exception: object) -> None: ...

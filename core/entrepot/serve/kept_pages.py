"""Pages that were asked for lately, so that a page asked for often costs no look into the catalog."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from entrepot.catalog.rows import Located

#: Repository, number and path: what a finished version has there never changes.
Place: TypeAlias = tuple[str, int, str]

#: Bytes of pages, in all forms of each, that are kept at most.
_ROOM: Final = 32 * 1024**2

#: Places that are known to be empty, at most; anybody may make up names.
_MOST_EMPTY: Final = 10_000


class KeptPages:
    """Answers that are whole in themselves, those asked for lately; safe to use from threads.

    Only published files whose bodies the catalog holds are kept: where an artifact is may change.
    Who asks makes sure first that the version is still there. Places that are empty are kept apart.
    """

    def __init__(self, room: int = _ROOM) -> None:
        self._room = self._free = room
        self._pages: OrderedDict[Place, tuple[Located, ...]] = OrderedDict()
        self._empty: OrderedDict[Place, None] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, place: Place) -> tuple[Located, ...]:
        """What was kept for a place; nothing when nothing was."""
        with self._lock:
            found = self._pages.get(place, ())
            if found:
                self._pages.move_to_end(place)
            return found

    def keep(self, place: Place, located: Sequence[Located]) -> None:
        """Keep what is at a place, and let go of what was not asked for the longest."""
        size = _size(located)
        if not located or size > self._room or any(file.body is None for file in located):
            return
        with self._lock:
            if place not in self._pages:
                self._pages[place] = tuple(located)
                self._free -= size
            while self._free < 0:
                _, gone = self._pages.popitem(last=False)
                self._free += _size(gone)

    def is_empty(self, place: Place) -> bool:
        """Whether it is known that nothing is at a place."""
        with self._lock:
            found = place in self._empty
            if found:
                self._empty.move_to_end(place)
            return found

    def note_empty(self, place: Place) -> None:
        """Keep that nothing is at a place, of a version that was there after it had been looked at."""
        with self._lock:
            self._empty[place] = None
            if len(self._empty) > _MOST_EMPTY:
                self._empty.popitem(last=False)


def _size(located: Sequence[Located]) -> int:
    return sum(len(file.body or b"") for file in located)

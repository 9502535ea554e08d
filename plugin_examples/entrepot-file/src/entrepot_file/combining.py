"""Several repositories of files as one: each path is had from the first that has it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO, Final

from entrepot.plugin import Combining, Merge

#: By list, what finds the path in one of its lines, as this plugin writes them.
_PATHS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "SHA256SUMS": lambda line: line.partition(b"  ")[2],
    "PULP_MANIFEST": lambda line: line.rsplit(b",", 2)[0],
}


def merge(path: str) -> Merge | None:
    """What makes one list of several; each path as the first list that has it says."""
    path_in = _PATHS.get(path)

    def merged(_: str, lists: Sequence[BinaryIO]) -> Iterator[bytes]:
        seen: set[bytes] = set()
        for lines in lists:
            for line in lines:
                named = path_in(line) if path_in is not None else line
                if named not in seen:
                    seen.add(named)
                    yield line

    return None if path_in is None else merged


COMBINING: Final = Combining(merge=merge)

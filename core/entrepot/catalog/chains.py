"""Chains: from a unit that falls, over what it needs, to what is not there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Links of a chain that are told: all of a shorter one, else the first ones and the last.
_TOLD: Final = 8


class Chains:
    """The chains of all that fell, each key of which lacks one that fell before it, or is not there.

    A chain may be as long as what fell is many. Only its ends are told, so all of them together
    take no more than a few links for each.
    """

    def __init__(self, lacks: Mapping[str, str]) -> None:
        self._lacks = lacks
        self._ends: dict[str, tuple[int, str]] = {}

    def of(self, key: str) -> tuple[tuple[str, ...], int]:
        """The links that are told of a key's chain, itself first, and how many are not, before the last."""
        further, end = self._end(key)
        links = [key]
        while len(links) <= min(further, _TOLD - 2):
            links.append(self._lacks[links[-1]])
        if len(links) <= further:
            links.append(end)
        return tuple(links), further + 1 - len(links)

    def _end(self, key: str) -> tuple[int, str]:
        """How many links follow a key, and the last of them; each key is passed by once."""
        passed = []
        while key not in self._ends and key in self._lacks:
            passed.append(key)
            key = self._lacks[key]
        further, end = self._ends.get(key, (0, key))
        while passed:
            further += 1
            self._ends[passed.pop()] = (further, end)
        return further, end

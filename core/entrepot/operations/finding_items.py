"""Finding the units that an item names: by the index of keys where that can be, else page by page."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import TYPE_CHECKING

import attrs
import msgspec

from entrepot.operations.item import Fit, Item, folded, names_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from entrepot.catalog.reader import CatalogReader

#: What one item may name; what is more is cut off.
MOST = 10_000

#: Names that a misspelt item is compared with.
_NEAR = 5_000

_PAST = chr(0x10FFFF)


@attrs.frozen
class Found:
    """The keys that an item names in the surest way that any of them fits, in order; else what is near."""

    keys: list[str]
    near: list[str]


def find(reader: CatalogReader, name: str, text: str, types: Iterable[str]) -> Found:
    """Look where keys of these types begin with the item, and through all keys when nothing is there."""
    item = Item(text)
    if not item.is_glob and (keys := _surest(item, _begun(reader, name, item, types))):
        return Found(keys, [])
    names = _Names(item)
    keys = _surest(item, names.gathered(_all(reader, name)))
    return Found(keys, [] if keys else names.near())


def _begun(reader: CatalogReader, name: str, item: Item, types: Iterable[str]) -> Iterator[str]:
    yield from reader.keys(name, after=item.text[:-1], end=f"{item.text} ", limit=MOST)
    for type_name in types:
        for head in item.heads:
            start = msgspec.json.encode([type_name, head]).decode()[:-1]
            yield from reader.keys(name, after=start, end=start + _PAST, limit=MOST)


def _all(reader: CatalogReader, name: str) -> Iterator[str]:
    after = ""
    while page := reader.keys(name, after=after):
        yield from page
        after = page[-1]


def _surest(item: Item, keys: Iterable[str]) -> list[str]:
    best, named = max(Fit) + 1, set[str]()
    for key in keys:
        fit = item.fit(key, fields_of(key)) if item.may_fit(key) else None
        if fit is None or fit > best:
            continue
        if fit < best:
            best, named = fit, set()
        if len(named) < MOST:
            named.add(key)
    return sorted(named)


def fields_of(key: str) -> list[str]:
    """The key fields of a unit, as text, without its type."""
    return [str(field) for field in msgspec.json.decode(key)[1:]]


class _Names:
    """Gathers names that begin as an item does and are about as long, to say what was probably meant."""

    def __init__(self, item: Item) -> None:
        self._meant = folded(item.words[0])
        self._known: dict[str, str] = {}

    def gathered(self, keys: Iterable[str]) -> Iterator[str]:
        for key in keys:
            if len(self._known) < _NEAR:
                self._known |= {folded(name): name for name in names_of(fields_of(key)) if self._is_like(name)}
            yield key

    def _is_like(self, name: str) -> bool:
        meant = self._meant
        return name[:1].casefold() == meant[:1] and abs(len(name) - len(meant)) <= max(2, len(meant) // 3)

    def near(self) -> list[str]:
        """At most three, the likest first."""
        return [self._known[name] for name in difflib.get_close_matches(self._meant, self._known, n=3, cutoff=0.6)]

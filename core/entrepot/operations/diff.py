"""Diff: how two versions differ, field by field."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import attrs

from entrepot.operations.statement import Shown

if TYPE_CHECKING:
    from entrepot.catalog.rows import DiffRow, VersionRow
    from entrepot.depot import Depot

_PAGE = 1000


@attrs.frozen
class Difference:
    """One key that is not the same in both versions.

    `fields` are those that differ, as they were and as they are; a changed statement without any
    differs in its artifacts alone.
    """

    change: str
    before: Shown | None
    after: Shown | None

    @property
    def subject(self) -> Shown:
        """The statement as it is, or as it was when it is gone."""
        return self.after or self.before or Shown("", (), {})

    @property
    def fields(self) -> dict[str, tuple[Any, Any]]:
        """Name of field -> its values in both versions, None where a statement leaves it out."""
        if self.before is None or self.after is None:
            return {}
        old, new = self.before.fields, self.after.fields
        names = sorted(old.keys() | new.keys())
        return {name: (old.get(name), new.get(name)) for name in names if old.get(name) != new.get(name)}

    def to_json(self) -> dict[str, Any]:
        """The line that programs get."""
        fields = {name: {"before": before, "after": after} for name, (before, after) in self.fields.items()}
        return {"change": self.change, "type": self.subject.type, "key": list(self.subject.key), "fields": fields}


def diff(depot: Depot, old: VersionRow, new: VersionRow) -> Iterator[Difference]:
    """What was added, changed and removed from one version to another, in order of key.

    The two may belong to different repositories.
    """
    reader, after = depot.catalog.reader, ""
    while True:
        if old.repository == new.repository:
            rows = reader.diff(old.repository, old.number, new.number, after=after, limit=_PAGE)
        else:
            places = (old.repository, old.number), (new.repository, new.number)
            rows = reader.diff_between(*places, after=after, limit=_PAGE)
        yield from map(_difference, rows)
        if len(rows) < _PAGE:
            return
        after = rows[-1].key


def _difference(row: DiffRow) -> Difference:
    return Difference(row.change, row.before and Shown.of(row.before), row.after and Shown.of(row.after))

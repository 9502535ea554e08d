"""A member of a version as people and programs are shown it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs
import msgspec

if TYPE_CHECKING:
    from entrepot.model.ledger import ContentRow


@attrs.frozen
class Shown:
    """A statement without its class, so that one whose plugin is gone is shown like any other."""

    type: str
    key: tuple[Any, ...]
    fields: Mapping[str, Any]

    @classmethod
    def of(cls, row: ContentRow) -> Shown:
        """Read a row of the catalog."""
        _, *key = msgspec.json.decode(row.key)
        return cls(row.type, tuple(key), msgspec.json.decode(row.fields))

    def to_json(self) -> dict[str, Any]:
        """The line that programs get."""
        return {"type": self.type, "key": list(self.key), "fields": dict(self.fields)}

"""Finds content that the catalog already knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from entrepot.errors import InvalidMetadata
from entrepot.model import facts
from entrepot.model.content import indexed_values
from entrepot.stages.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entrepot.model.declarative import DeclarativeContent

#: NUL as JSON writes it: fields keep it so, and only what is indexed stands in the catalog as plain text.
_NUL: Final = rb"\u0000"


class QueryExistingContents(Stage):
    """Finds statements already known, by identity, with one query for each batch.

    What it finds is kept beside the unit's content: a later stage that assigns another content
    makes the unit unknown again. A unit with a text that no catalog could keep fails here by
    itself; in a batch with others it would undo them too.
    """

    needs: ClassVar = frozenset({facts.DECLARED})
    gives: ClassVar = frozenset({facts.CONTENTS_QUERIED})

    async def run(self) -> None:
        async for batch in self.batches(minsize=1000):
            units = await self._keepable(batch)
            identities, keys = [unit.identity for unit in units], [unit.key for unit in units]
            found = await self.context.ledger.find_contents(identities, keys) if units else []
            for unit, content_id in zip(units, found, strict=True):
                if content_id is not None:
                    unit.found(content_id)
                await self.put(unit)

    async def _keepable(self, batch: Sequence[DeclarativeContent]) -> Sequence[DeclarativeContent]:
        wrong = {id(unit): why for unit in batch if (why := _unkeepable(unit)) is not None}
        for unit in batch if wrong else ():
            if (why := wrong.get(id(unit))) is not None:
                await self.fail(unit, InvalidMetadata(why, remedy="report it to whoever runs the upstream"))
        return [unit for unit in batch if id(unit) not in wrong] if wrong else batch


def _unkeepable(unit: DeclarativeContent) -> str | None:
    """Say why what a unit says cannot be kept, or None: most are plain, and found to be so at once."""
    try:
        unit.identity  # noqa: B018  # encoding it is what checks it, and what was encoded is kept
        said = unit.fields
        needs = [need for need in unit.depends_on if isinstance(need, str)]
        texts = [unit.scope or "", *needs, *(url for artifact in unit.d_artifacts for url in artifact.urls)]
        plain = "".join(texts)
        if not plain.isascii():
            plain.encode()
    except UnicodeEncodeError:
        return "a text of it is not Unicode: it has half of a pair of surrogates"
    if "\0" in plain or (_NUL in said and any("\0" in value for _, value in indexed_values(unit.content))):
        return "a text of it has a NUL, where none can be kept"
    return None

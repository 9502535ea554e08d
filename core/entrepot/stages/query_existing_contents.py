"""Finds content that the catalog already knows."""

from __future__ import annotations

from typing import ClassVar

from entrepot.model import facts
from entrepot.stages.stage import Stage


class QueryExistingContents(Stage):
    """Finds statements already known, by identity, with one query for each batch.

    What it finds is kept beside the unit's content: a later stage that assigns another content
    makes the unit unknown again.
    """

    needs: ClassVar = frozenset({facts.DECLARED})
    gives: ClassVar = frozenset({facts.CONTENTS_QUERIED})

    async def run(self) -> None:
        async for units in self.batches(minsize=1000):
            identities, keys = [unit.identity for unit in units], [unit.key for unit in units]
            found = await self.context.ledger.find_contents(identities, keys)
            for unit, content_id in zip(units, found, strict=True):
                if content_id is not None:
                    unit.found(content_id)
                await self.put(unit)

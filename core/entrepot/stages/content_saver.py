"""Saves new content."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from entrepot.model import facts
from entrepot.model.content import indexed_values
from entrepot.model.ledger import Statement
from entrepot.stages.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from entrepot.model.declarative import DeclarativeContent


class ContentSaver(Stage):
    """Saves statements that the catalog does not know, with the artifacts they declare.

    A subclass may override `_pre_save(batch)` and `_post_save(batch)`: plain functions, called on
    the catalog's thread inside the transaction that saves the batch. They must not change units;
    what they raise undoes the batch and ends the run.
    """

    needs: ClassVar = frozenset({facts.ARTIFACTS_SAVED, facts.CONTENTS_QUERIED})
    gives: ClassVar = frozenset({facts.CONTENT_SAVED})

    async def run(self) -> None:
        async for units in self.batches(minsize=1000):
            unknown = [unit for unit in units if unit.content_id is None]
            if unknown:
                await self._save(unknown)
            name = type(self).__name__
            for unit in units:
                unit.saved(name)
                await self.put(unit)

    async def _save(self, units: Sequence[DeclarativeContent]) -> None:
        before, after = self._around(units)
        ids = await self.context.ledger.save_contents([_statement(unit) for unit in units], before=before, after=after)
        for unit, content_id in zip(units, ids, strict=True):
            unit.found(content_id)

    def _around(
        self, units: Sequence[DeclarativeContent]
    ) -> tuple[Callable[[], None] | None, Callable[[], None] | None]:
        cls = type(self)
        before = None if cls._pre_save is ContentSaver._pre_save else lambda: self._pre_save(units)
        after = None if cls._post_save is ContentSaver._post_save else lambda: self._post_save(units)
        return before, after

    def _pre_save(self, batch: Sequence[DeclarativeContent]) -> None:
        """Act before the batch is written, in its transaction."""

    def _post_save(self, batch: Sequence[DeclarativeContent]) -> None:
        """Act after the batch is written, in its transaction."""


def _statement(unit: DeclarativeContent) -> Statement:
    content = unit.content
    return Statement(content.TYPE, unit.identity, unit.key, unit.fields, unit.links, indexed_values(content))

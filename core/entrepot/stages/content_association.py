"""Adds content to the new version."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from entrepot.errors import InvalidMetadata, PluginError
from entrepot.model import facts
from entrepot.model.declarative import DeclarativeContent
from entrepot.model.ledger import Member
from entrepot.stages.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entrepot.model.ledger import Clash


class ContentAssociation(Stage):
    """Adds each unit's content to the new version, in place of a predecessor with the same key.

    The same statement twice is one. A key declared with two different statements in one run fails
    the second unit: upstream contradicts itself, and which to believe is not for us to say.
    """

    needs: ClassVar = frozenset({facts.CONTENT_SAVED})
    gives: ClassVar = frozenset({facts.ASSOCIATED})

    async def run(self) -> None:
        async for units in self.batches(minsize=1000):
            clashes = await self.context.ledger.associate([_member(unit) for unit in units])
            failed = await self._fail(units, clashes) if clashes else frozenset()
            for unit in units:
                if id(unit) not in failed:
                    await self.put(unit)

    async def _fail(self, units: Sequence[DeclarativeContent], clashes: Sequence[Clash]) -> frozenset[int]:
        second = {(clash.key, clash.second): clash for clash in clashes}
        failed = []
        for unit in units:
            clash = second.get((unit.key, unit.content_id or 0))
            if clash is not None:
                failed.append(id(unit))
                await self.fail(unit, _contradiction(unit, clash))
        return frozenset(failed)


def _member(unit: DeclarativeContent) -> Member:
    if unit.outcome is not None:
        raise PluginError(
            f"a unit was left out and put on all the same: {unit.outcome.what}",
            where=unit.left_out_by,
            remedy="let that stage put on only what it does not refuse or fail; report it to the plugin",
        )
    return Member(unit.key, unit.content_id or 0, unit.scope, _needs(unit) if unit.depends_on else ())


def _needs(unit: DeclarativeContent) -> tuple[str, ...]:
    return tuple(need.key if isinstance(need, DeclarativeContent) else need for need in unit.depends_on)


def _contradiction(unit: DeclarativeContent, clash: Clash) -> InvalidMetadata:
    return InvalidMetadata(
        f"upstream declares {unit.key} twice, with different statements"
        f" (contents {clash.first} and {clash.second}; the second says {unit.content!r:.200})",
        remedy='report it upstream; with on_error = "skip" the first statement is taken',
    )

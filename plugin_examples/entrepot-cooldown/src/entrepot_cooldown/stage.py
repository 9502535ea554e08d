"""Holding back what is too young, before anything of it is downloaded."""

from __future__ import annotations

import datetime
import hashlib
import json
import re
from collections.abc import Mapping
from typing import Final

from entrepot.plugin import DeclarativeContent, Stage, UnitPast, facts
from entrepot_cooldown.options import CooldownOptions, Held, judge, told

#: What a refusal says of the bytes, for later syncs to read: since when, and which.
_SEEN: Final = re.compile(r"first seen (\S+) as ([0-9a-f]{16})")


class Cooldown(Stage):
    """Refuse units with artifacts that are too young, with the moment from which on they are not.

    What the latest version has already, byte for byte, passes whatever it says, unless `evict` is
    set. The record of when something was first seen is the refusal itself: it lasts, also when the
    sync fails or is killed, for as long as it matters. Units without artifacts pass. Order is kept.
    """

    needs = frozenset({facts.DECLARED})
    precedes = frozenset({facts.ARTIFACTS_QUERIED, facts.DOWNLOADED})

    def __init__(self, options: CooldownOptions) -> None:
        self.options = options

    async def run(self) -> None:
        async for units in self.batches(minsize=1000):
            now = self.context.now()
            pasts = await self._pasts([unit for unit in units if unit.d_artifacts and self._may_be_young(unit, now)])
            for unit in units:
                past = pasts.get(id(unit))
                if past is None or await self._is_admitted(unit, past, now):
                    await self.put(unit)

    def _may_be_young(self, unit: DeclarativeContent, now: float) -> bool:
        """Whether it is held, if it was never seen before: nothing need be asked of all others."""
        return judge(self.options, _published(unit), now, now) is not None

    async def _pasts(self, units: list[DeclarativeContent]) -> Mapping[int, UnitPast]:
        return dict(zip(map(id, units), await self.context.past(units), strict=True)) if units else {}

    async def _is_admitted(self, unit: DeclarativeContent, past: UnitPast, now: float) -> bool:
        if past.is_in_latest and not self.options.evict:
            return True
        first_seen = _first_seen(unit, past, now)
        held = judge(self.options, _published(unit), first_seen, now)
        if held is None or self._is_exempt(unit, held, now):
            return True
        reason = f"{held.reason}; {_record(unit, first_seen)}{self._expired(unit, now)}"
        # Only the very bytes that are too young may go: a predecessor with other bytes has its own age.
        remedy = held.remedy or _exempting(unit)
        await self.refuse(unit, held.rule, reason, until=held.until, evict=past.is_in_latest, remedy=remedy)
        return False

    def _is_exempt(self, unit: DeclarativeContent, held: Held, now: float) -> bool:
        for one in self.options.exceptions:
            if not one.is_over(now) and one.covers(unit.content.known_as()):
                self.remark(unit, "exception", f"{one.name!r} until {one.until}: {one.reason}; else {held.reason}")
                return True
        return False

    def _expired(self, unit: DeclarativeContent, now: float) -> str:
        names = unit.content.known_as()
        over = [one for one in self.options.exceptions if one.is_over(now) and one.covers(names)]
        return "".join(f"; its exception {one.name!r} ({one.reason}) ended with {one.until}" for one in over)


def _published(unit: DeclarativeContent) -> float | None:
    said = unit.content.published_at()
    return None if said is None else said.timestamp()


def _exempting(unit: DeclarativeContent) -> str:
    name = json.dumps(unit.content.known_as()[-1])
    return f'if it cannot wait, add to exceptions {{ name = {name}, reason = "...", until = 2026-12-31 }}, your own day'


def _record(unit: DeclarativeContent, first_seen: float) -> str:
    return f"first seen {told(first_seen)} as {_fingerprint(unit)}"


def _first_seen(unit: DeclarativeContent, past: UnitPast, now: float) -> float:
    """Since when the repository knows these bytes; other bytes under the same name are none of it."""
    fingerprint = _fingerprint(unit)
    records = (_SEEN.search(row.reason) for row in past.refusals if row.plugin == "cooldown")
    seen = [found[1] for found in records if found is not None and found[2] == fingerprint]
    since = [] if past.since is None else [past.since]
    return min([now, *since, *(datetime.datetime.fromisoformat(text).timestamp() for text in seen)])


def _fingerprint(unit: DeclarativeContent) -> str:
    declared = sorted((one.relative_path, str(one.artifact.preferred), one.artifact.size) for one in unit.d_artifacts)
    return hashlib.sha256(repr(declared).encode()).hexdigest()[:16]

"""Why: what became of a unit, who left it out, and since when."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import attrs
import msgspec

from entrepot.errors import UnknownName
from entrepot.operations.finding_items import find
from entrepot.operations.trace import never_synced
from entrepot.operations.versions import is_synced

if TYPE_CHECKING:
    from entrepot.catalog.reader import CatalogReader
    from entrepot.catalog.rows import FailureNote, RefusalNote, Stay, Story
    from entrepot.depot import Depot

State: TypeAlias = Literal["there", "refused", "failed", "removed", "unnamed"]


@attrs.frozen(kw_only=True)
class Answer:
    """What is known of one unit.

    `there`: the latest version has it. `refused`, `failed`: it is left out, by the latest word on it.
    `removed`: a version had it, until version `removed`. `unnamed`: it was left out once, and what
    upstream has was read again since without a word of it. `since` is the version that it came with
    when it came last, `changed` the one that last changed it. `refusals` and `failures` are those
    that stand, `earlier` counts those that do not. `remarks` are what plugins said of it, the latest
    first, as far as the reports of these versions and of the last run list it.
    """

    type: str
    key: tuple[Any, ...]
    state: State
    since: int | None = None
    changed: int | None = None
    removed: int | None = None
    scope: str | None = None
    refusals: tuple[RefusalNote, ...] = ()
    failures: tuple[FailureNote, ...] = ()
    remarks: tuple[Mapping[str, Any], ...] = ()
    earlier: int = 0


@attrs.frozen
class Answers:
    """An answer for each unit that the item names, made as they are read; `near` for one that names none."""

    count: int
    each: Iterator[Answer]
    near: list[str]


def why(depot: Depot, name: str, item: str) -> Answers:
    """Find what an item names in a repository, now or in earlier runs, and say what became of each.

    Raises `ConfigurationError` when the repository was never synced.
    """
    if not is_synced(depot, name):
        raise never_synced(depot, name)
    reader = depot.catalog.reader
    found = find(reader, name, item, sorted(depot.plugins.content_types))
    remarked = _Remarks(reader, name)
    return Answers(len(found.keys), (_answer(reader, name, key, remarked) for key in found.keys), found.near)


@attrs.frozen
class _Remarks:
    """What the reports of a repository's runs list of remarks; each report is read once."""

    reader: CatalogReader
    name: str
    _read: dict[int | None, Sequence[Mapping[str, Any]]] = attrs.field(factory=dict)

    def of(self, key: str, stays: Sequence[Stay]) -> tuple[Mapping[str, Any], ...]:
        """Those on one unit, each once: the last run's, then those of its versions."""
        numbers = [None, *sorted({stays[0].added, stays[-1].added}, reverse=True)] if stays else [None]
        said = [row for number in numbers for row in self._told(number) if row["key"] == key]
        once = {(row["rule"], row["plugin"], row["reason"]): row for row in reversed(said)}
        return tuple(reversed(once.values()))

    def _told(self, number: int | None) -> Sequence[Mapping[str, Any]]:
        if number not in self._read:
            self._read[number] = self._report(number).get("remarks", ())
        return self._read[number]

    def _report(self, number: int | None) -> Mapping[str, Any]:
        if number is None:
            last = self.reader.last_run(self.name)
            return {} if last is None else last.report
        with suppress(UnknownName):  # it may be pruned
            return self.reader.version(self.name, number).report
        return {}


def _answer(reader: CatalogReader, name: str, key: str, remarked: _Remarks) -> Answer:
    story = reader.story(name, key)
    refusals, failures = _standing_refusals(reader, name, story), _standing_failures(reader, name, story)
    type_name, *fields = msgspec.json.decode(key)
    stays = _last_stretch(story.stays)
    scopes = [note.row.scope for note in refusals] + [note.row.scope for note in failures]
    there = bool(stays) and stays[-1].removed is None
    return Answer(
        type=type_name,
        key=tuple(fields),
        state=_state(there=there, was=bool(stays), refused=bool(refusals), failed=bool(failures)),
        since=stays[0].added if stays else None,
        changed=stays[-1].added if len(stays) > 1 else None,
        removed=stays[-1].removed if stays else None,
        scope=stays[-1].scope if stays else next(iter(scopes), None),
        refusals=tuple(refusals),
        failures=tuple(failures),
        remarks=remarked.of(key, stays),
        earlier=len(story.refusals) + len(story.failures) - len(refusals) - len(failures),
    )


def _state(*, there: bool, was: bool, refused: bool, failed: bool) -> State:
    if there:
        return "there"
    if refused or failed:
        return "refused" if refused else "failed"
    return "removed" if was else "unnamed"


def _last_stretch(stays: list[Stay]) -> list[Stay]:
    """The statements that stood for it one after the other without a gap, up to the last."""
    first = len(stays) - 1
    while first > 0 and stays[first - 1].removed == stays[first].added:
        first -= 1
    return stays[max(first, 0) :]


def _standing_refusals(reader: CatalogReader, name: str, story: Story) -> list[RefusalNote]:
    """Those of the last run that refused it, for as long as nothing later speaks against them.

    A run repeats no refusal in a scope that it keeps unseen, so a refusal stands until its scope is
    read again. A run that failed is only believed for as long as it is the last one.
    """
    last = reader.last_run(name)
    notes = [
        note
        for note in story.refusals
        if note.run.outcome in ("completed", "unchanged") or (last is not None and note.run.id == last.id)
    ]
    newest = [note for note in notes if note.run.id == notes[0].run.id]
    if not newest or any(stay.removed is None and stay.run > newest[0].run.id for stay in story.stays):
        return []
    return [] if reader.read_again(name, newest[0].row.scope, newest[0].run.id) else newest


def _standing_failures(reader: CatalogReader, name: str, story: Story) -> list[FailureNote]:
    """Those of the last run that tells what the repository lacks: a later one would have tried it again."""
    telling = reader.last_telling_run(name)
    return [note for note in story.failures if telling is not None and note.run.id >= telling.id]

"""Repair: make whole what is damaged; nothing is ever deleted.

Artifacts are fetched again from where they once were; pages of a publication are written again
from the content of their version.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import attrs

from entrepot.errors import EntrepotError, IntegrityError
from entrepot.model.artifact import Artifact
from entrepot.operations.publish_again import publish_again
from entrepot.operations.reference import Reference
from entrepot.operations.verify import Damaged, Verified, unwatched, verify

if TYPE_CHECKING:
    from collections.abc import Callable

    from entrepot.catalog.inventory import Needed, Origin
    from entrepot.depot import Depot
    from entrepot.download.downloads import Downloads

#: Files that are mended at a time; each remote's own limits hold beside that.
_AT_ONCE: Final = 8

#: Damaged files whose sources are looked up together.
_PAGE: Final = 500

_NOBODY: Final = "no version of any repository needs it"


@attrs.frozen
class Mended:
    """One damaged file, and what became of it; no `reasons` when it is whole again."""

    damaged: Damaged
    reasons: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether the right bytes stand there."""
        return not self.reasons

    def to_json(self) -> dict[str, Any]:
        """The line that programs get."""
        told = self.damaged.to_json() | {"event": "mended" if self.is_whole else "unmended"}
        return told if self.is_whole else told | {"reasons": list(self.reasons)}


@attrs.define
class Repaired:
    """How far a repair came; whole once everything was told."""

    seen: Verified = attrs.field(factory=lambda: Verified(seed=0))
    mended: int = 0
    unmended: int = 0

    @property
    def exit_code(self) -> int:
        """0 when all is whole again."""
        return IntegrityError.exit_code if self.unmended else 0

    def to_json(self) -> dict[str, Any]:
        """The last line that programs get."""
        return {
            "event": "repaired",
            "checked": self.seen.checked,
            "mended": self.mended,
            "unmended": self.unmended,
        }


async def repair(
    depot: Depot,
    names: Sequence[str] = (),
    *,
    done: Repaired,
    progress: Callable[[Verified], None] = unwatched,
) -> AsyncIterator[Mended]:
    """Verify some repositories or all, mend what is damaged, and tell what became of each; `done` counts.

    Bytes are fetched by the repositories that may have them, from their recorded URLs in turn, with
    their own credentials; pages of a publication are made by their publisher. What stands there is
    replaced only by right bytes that are durable; where none are to be had, it stays as it is. May be
    cancelled or cut off anywhere, and begun again.
    """
    await asyncio.to_thread(depot.storage.sweep)  # what a repair left that was killed
    async with depot.workshop.downloads() as downloads:
        for name in names or (None,):
            found = _damaged(depot, name, done.seen, progress)
            while page := await asyncio.to_thread(lambda found=found: list(islice(found, _PAGE))):  # type: ignore[misc]  # mypy has no types for a lambda's defaults
                for mended in await _mend_all(depot, page, downloads):
                    done.mended += mended.is_whole
                    done.unmended += not mended.is_whole
                    yield mended


def _damaged(depot: Depot, name: str | None, seen: Verified, progress: Callable[[Verified], None]) -> Iterator[Damaged]:
    reference = Reference(name) if name is not None else None
    found = verify(depot, reference, seen=seen, progress=progress)
    return (one for one in found if isinstance(one, Damaged))


async def _mend_all(depot: Depot, page: Sequence[Damaged], downloads: Downloads) -> list[Mended]:
    inventory, room = depot.catalog.inventory, asyncio.Semaphore(_AT_ONCE)
    needed = await depot.catalog.ask(inventory.needed, [damaged.sha256 for damaged in page])

    async def mend(damaged: Damaged) -> Mended:
        async with room:
            return await _mend(depot, damaged, needed[damaged.sha256], downloads=downloads)

    async with asyncio.TaskGroup() as tasks:
        mending = [tasks.create_task(mend(damaged)) for damaged in page]
    return await _publish(depot, [task.result() for task in mending], needed)


async def _publish(depot: Depot, fetched: Sequence[Mended], needed: Mapping[bytes, Needed]) -> list[Mended]:
    """Have what could not be fetched made again, where a publisher made it."""
    unmade: dict[Damaged, Sequence[str]] = {}
    for stored in (False, True):
        pages = {
            one.damaged.sha256: one.damaged
            for one in fetched
            if not one.is_whole and needed[one.damaged.sha256].publishers and (one.damaged.kind != "body") == stored
        }
        reasons = await publish_again(depot, list(pages), stored=stored) if pages else {}
        unmade |= {damaged: reasons.get(sha256, ()) for sha256, damaged in pages.items()}
    return [_made(one, unmade[one.damaged]) if one.damaged in unmade else one for one in fetched]


def _made(one: Mended, why: Sequence[str]) -> Mended:
    return Mended(one.damaged, (*(reason for reason in one.reasons if reason != _NOBODY), *why) if why else ())


async def _mend(depot: Depot, damaged: Damaged, needed: Needed, *, downloads: Downloads) -> Mended:
    reasons: list[str] = []
    for origin in needed.origins if damaged.kind != "body" else ():
        if not origin.urls:
            reasons.append(f"{origin.repository}: it is not known where it was fetched from")
            continue
        try:
            await _fetch(depot, damaged, origin, downloads)
        except EntrepotError as error:
            reasons.append(f"{origin.repository}: {error.what}" + (f" ({error.where})" if error.where else ""))
        else:
            return Mended(damaged)
    return Mended(damaged, tuple(reasons) or (_NOBODY,))


async def _fetch(depot: Depot, damaged: Damaged, origin: Origin, downloads: Downloads) -> None:
    """Bring the bytes under their name, by one repository's means, and note again that it has them."""
    remote = await asyncio.to_thread(depot.remote, origin.repository)
    expected = Artifact(sha256=damaged.sha256.hex(), size=damaged.size)
    received = await downloads.fetch(remote, origin.urls, expected, depot.storage)
    # A thread cannot be cancelled: what it keeps is kept, and what it could not, it discards itself.
    (kept,) = await asyncio.shield(asyncio.to_thread(depot.storage.keep, [received]))
    await depot.catalog.keep_fetched(origin.repository, kept, private=origin.private)

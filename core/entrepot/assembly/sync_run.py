"""A running sync: what its stages reach through `self.context`."""

from __future__ import annotations

import asyncio
import datetime
from collections import Counter
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Final, TypeVar

from entrepot.assembly.freshness import Freshness
from entrepot.assembly.unit_past import told_by_unit
from entrepot.errors import DepotError, EntrepotError, NotBound, NotHeld, safe_url
from entrepot.events import UnitFailed, UnitRefused
from entrepot.model.artifact import Artifact
from entrepot.model.declarative import PATIENCE, Fetched
from entrepot.model.ledger import FailureRow, RefusalRow
from entrepot.model.pulled import Pulled
from entrepot.model.vouching import unvouched
from entrepot.pipeline.budget import Budget, Lease

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from entrepot.assembly.equipment import Equipment
    from entrepot.assembly.request import SyncRequest
    from entrepot.errors import Failed, Refused
    from entrepot.model.artifact import StoredArtifact
    from entrepot.model.declarative import DeclarativeArtifact, DeclarativeContent
    from entrepot.model.incoming import Received, Receiver
    from entrepot.model.ledger import KeptArtifact, Ledger, UnitPast
    from entrepot.model.remote import Policy, Remote
    from entrepot.model.repository import Repository

T = TypeVar("T")

#: Bytes that are downloaded and not yet kept: of bodies small enough to stand in memory, of others.
_SMALL_BUDGET, _LARGE_BUDGET, _SMALL = 16 * 1024**2, 256 * 1024**2, 64 * 1024

#: What a body of unknown size takes from the budget.
_UNKNOWN: Final = 1024**2

#: Failures and refusals that a report lists; all of them are in the catalog.
LISTED: Final = 100

#: With `on_error = "fail"`, so many failed units end the run at once instead of at the seal.
_HOPELESS: Final = 25

#: What the scopes of freshness begin with, apart from those that plugins name.
_FRESHNESS: Final = "entrepot:freshness:"

_READ: Final = 256 * 1024


class SyncRun:
    """One sync from lease to seal; implements `SyncContext` and is thrown away at the end."""

    def __init__(self, request: SyncRequest, ledger: Ledger, *, equipment: Equipment) -> None:
        self.request = request
        self.ledger = ledger
        self.equipment = equipment
        self.failed: list[Failed] = []
        self.failures: list[Mapping[str, Any]] = []
        self.refused: Counter[tuple[str, str, str]] = Counter()
        self.refusals: list[Mapping[str, Any]] = []
        self.remarks: list[Mapping[str, Any]] = []
        self.pulled_groups: list[str] = []
        self.downloaded = 0
        self.downloaded_bytes = 0
        self.unassociate = False
        self._small = Budget(_SMALL_BUDGET, waiting=_waiting)
        self._large = Budget(_LARGE_BUDGET, waiting=_waiting)
        self._here: set[Received] = set()

    @property
    def repository(self) -> Repository:
        """The repository that gets a new version."""
        return self.request.repository

    @property
    def remote(self) -> Remote:
        """Where its content comes from."""
        return self.request.remote

    @property
    def options(self) -> Any:
        """The options of the repository's type."""
        return self.request.options

    @property
    def mirror(self) -> bool:
        """Whether what the stream does not declare goes."""
        return self.request.mirror

    @property
    def policy(self) -> Policy:
        """When artifacts are downloaded."""
        return self.request.policy

    @property
    def pull_through(self) -> bool:
        """Whether what clients ask for is mirrored too."""
        return self.request.pull_through

    @property
    def uploads(self) -> bool:
        """Whether content is handed in, and there is no upstream."""
        return self.request.uploads

    @property
    def receiver(self) -> Receiver:
        """Where bytes that are to be kept are written to."""
        return self.equipment.storage

    def plugin_options(self, plugin: str, options: type[T]) -> T:
        """What the configuration says to one stage plugin for this repository, as its attrs class."""
        return self.request.plugin_options(plugin, options)

    def now(self) -> float:
        """The moment by the depot's clock."""
        return self.equipment.catalog.clock()

    async def past(self, units: Sequence[DeclarativeContent]) -> list[UnitPast]:
        """What the repository knew of each unit before this run."""
        return told_by_unit(units, await self.ledger.past([unit.key for unit in units]))

    async def checkpoint(self, scope: str) -> str | None:
        """What an earlier run noted for a scope, or None when it is void."""
        return await self.ledger.checkpoint(scope)

    async def note_checkpoint(self, scope: str, value: str) -> None:
        """Note it for later runs, unless only a part of it is tried."""
        if self.request.retry is None:
            await self.ledger.note_checkpoint(scope, value)

    async def pulled(self) -> Pulled:
        """The groups of a pull, or those that earlier ones brought."""
        if self.request.pulled or not self.request.pull_through:
            return Pulled(self.request.pulled, alone=bool(self.request.pulled))
        groups: list[str] = []
        while page := await self.ledger.pulled(after=groups[-1] if groups else ""):
            groups += page
        return Pulled(tuple(groups))

    async def note_pulled(self, group: str) -> None:
        """Note that a group is here, for later syncs and for the report."""
        self.pulled_groups.append(group)
        await self.ledger.note_pulled(group)

    async def note_freshness(
        self,
        name: str,
        *,
        serial: int | None = None,
        moment: datetime.datetime | None = None,
        expires: datetime.datetime | None = None,
        upstream_now: datetime.datetime | None = None,
    ) -> None:
        """Say how new metadata is; raises when it is older than last seen, over, or from the future."""
        told = Freshness(
            repository=self.repository.name,
            name=name,
            serial=serial,
            moment=moment,
            expires=expires,
            upstream_now=upstream_now,
        )
        confirmed, scope = self.request.confirmed, f"{_FRESHNESS}{name}"
        if not confirmed.allow_expired:
            now = datetime.datetime.fromtimestamp(self.equipment.catalog.clock(), datetime.UTC)
            told.check_clock(now)
            told.check_expiry(now)
        seen = None if confirmed.allow_older else await self.ledger.checkpoint(scope, even_void=True)
        if seen is not None:
            told.check_order(seen)
        await self.ledger.note_checkpoint(scope, told.dump(seen))

    async def open(self, artifact: Artifact) -> AsyncIterator[bytes]:
        """Stream bytes that storage holds; `NotHeld` where it does not hold that sha256."""
        digest = artifact.preferred
        stored = (await self.ledger.find_artifacts([digest]))[0] if digest is not None else None
        if stored is None:
            remedy = "declare it with deferred_download=False, and open it after its unit is resolved"
            if artifact.sha256 is not None:
                raise NotHeld(artifact.sha256, remedy=remedy)
            raise DepotError(f"storage does not hold {digest or 'an artifact without a digest'}", remedy=remedy)
        with await asyncio.to_thread(self.equipment.storage.open, stored.sha256) as file:
            while chunk := await asyncio.to_thread(file.read, _READ):
                yield chunk

    async def fetch(self, artifacts: Sequence[DeclarativeArtifact]) -> list[Fetched]:
        """Download and verify within the budget; a local file is read the same way.

        One share covers all: a unit that waited for a second share with its first in hand could
        wait for others that do the same. Nothing is asked for when one of them is not vouched for.
        """
        for artifact in artifacts:
            if (reason := unvouched(artifact, self.remote.access)) is not None:
                raise reason
        is_small = all(_is_small(artifact.artifact.size) for artifact in artifacts)
        lease = await self._lease(artifacts, self._small if is_small else self._large)
        fetched: list[Fetched] = []
        try:
            # Few large files never fill a batch: what is here of them is kept while the next come in.
            with nullcontext() if is_small else _hurrying():
                for artifact in artifacts:
                    received = await self._receive(artifact)
                    self._here.add(received)
                    fetched.append(Fetched(received, None if fetched else lease))
        except BaseException:
            lease.close()
            for each in fetched:
                each.discard()
                self._here.discard(each.received)
            raise
        self.downloaded += len(fetched)
        self.downloaded_bytes += sum(each.received.size for each in fetched)
        return fetched

    async def _lease(self, artifacts: Sequence[DeclarativeArtifact], budget: Budget) -> Lease:
        sizes = [artifact.artifact.size for artifact in artifacts]
        return await budget.lease(sum(_UNKNOWN if size is None else size for size in sizes))

    async def _receive(self, artifact: DeclarativeArtifact) -> Received:
        storage, expected = self.equipment.storage, artifact.artifact
        if expected.file is not None:
            return await asyncio.to_thread(_read_in, storage, expected)
        if artifact.remote is None:
            raise NotBound(f"artifact {artifact.relative_path!r}")
        return await self.equipment.downloads.fetch(artifact.remote, artifact.urls, expected, storage)

    async def keep_bytes(self, batch: Sequence[Received]) -> list[KeptArtifact]:
        """Make bytes durable under their final names, beside the loop."""
        kept = await asyncio.to_thread(self.equipment.storage.keep, batch)
        self._here.difference_update(batch)
        return kept

    async def adopt_bytes(self, digests: Sequence[bytes]) -> list[KeptArtifact | None]:
        """Find bytes in storage that the catalog may not know, verified."""
        return await asyncio.to_thread(self.equipment.storage.find, digests)

    async def holds_bytes(self, artifacts: Sequence[StoredArtifact]) -> list[bool]:
        """Look for files of the right sizes, beside the loop."""
        holds = self.equipment.storage.holds
        return await asyncio.to_thread(lambda: [holds(*artifact) for artifact in artifacts])

    async def note_failure(self, unit: DeclarativeContent, failed: Failed, *, stage: str, plugin: str) -> None:
        """Record a unit that was given up on; a hopeless run ends here."""
        url = next((artifact.url for artifact in unit.d_artifacts if artifact.url), None)
        row = FailureRow(unit.key, stage, plugin, str(failed), safe_url(url) if url else None, unit.scope)
        await self.ledger.fail([row], keep=self.request.on_error == "keep")
        self.failed.append(failed)
        if len(self.failures) < LISTED:
            self.failures.append({**row._asdict(), "error": failed.reason})
        self.equipment.listener(UnitFailed(unit.describe(), stage, failed.reason, url, plugin, unit.key, unit.scope))
        if isinstance(failed.cause, DepotError) or (self.request.on_error == "fail" and len(self.failed) >= _HOPELESS):
            self.raise_failures()

    async def note_refusal(
        self, unit: DeclarativeContent, refused: Refused, *, stage: str, until: float | None, evict: bool
    ) -> None:
        """Record a unit that was left out on purpose."""
        row = self.refusal(refused, key=unit.key, stage=stage, scope=unit.scope, until=until)
        await self.ledger.refuse([row], evict=[unit.key] if evict else ())
        self.tell_refused(row)
        self.equipment.listener(UnitRefused(unit.describe(), refused.rule, refused.reason, refused.plugin))

    def refusal(self, refused: Refused, *, key: str, stage: str, scope: str | None, until: float | None) -> RefusalRow:
        """A refusal as it is recorded, with the version of who refuses."""
        version = self.equipment.plugins.version(refused.plugin)
        said = refused.rule, refused.reason, refused.plugin
        return RefusalRow(key, *said, stage, scope, until, version, refused.remedy)

    def tell_refused(self, row: RefusalRow) -> None:
        """Count a refusal that is on record, and list it in the report."""
        self.refused[row.plugin, row.version, row.rule] += 1
        if len(self.refusals) < LISTED:
            self.refusals.append(row._asdict())

    def note_remark(self, unit: DeclarativeContent, rule: str, reason: str, *, stage: str, plugin: str) -> None:
        """Let the report say something about a unit that goes on."""
        if len(self.remarks) < LISTED:
            said = {"rule": rule, "reason": reason, "plugin": plugin, "stage": stage}
            self.remarks.append({"key": unit.key, **said, "scope": unit.scope})

    def remove_undeclared(self) -> None:
        """Ask the seal to remove what the stream did not declare, unless only a part of it is tried."""
        self.unassociate = not self.request.is_partial

    def raise_failures(self) -> None:
        """End the run for its failed units: the one there is, or a group of them."""
        if len(self.failed) == 1:
            raise self.failed[0]
        raise ExceptionGroup(f"{len(self.failed)} units failed, so no version was made", self.failed)

    def discard_leftovers(self) -> None:
        """Drop bytes that were downloaded and never kept."""
        for received in self._here:
            received.discard()
        self._here.clear()


def _is_small(size: int | None) -> bool:
    return size is not None and size <= _SMALL


def _waiting() -> AbstractContextManager[None]:
    patience = PATIENCE.get()
    return nullcontext() if patience is None else patience.waiting()


def _hurrying() -> AbstractContextManager[None]:
    patience = PATIENCE.get()
    return nullcontext() if patience is None else patience.hurrying()


def _read_in(receiver: Receiver, expected: Artifact) -> Received:
    incoming = receiver.receive(expected)
    try:
        with open(expected.file or "", "rb") as file:
            while chunk := file.read(_READ):
                incoming.write(chunk)
        return incoming.finish()
    except OSError as error:
        incoming.discard()
        raise EntrepotError(
            f"{str(expected.file)!r} cannot be read: {error.strerror}", remedy="check that the file is there"
        ) from error
    except BaseException:
        incoming.discard()
        raise

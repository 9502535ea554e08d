"""The seal: what ends a sync, once, up to the commit that makes the version visible."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from entrepot.assembly.contradictions import check_kept
from entrepot.assembly.default_plan import BUILTIN
from entrepot.assembly.guards import check_loss
from entrepot.errors import IntegrityError, Refused
from entrepot.events import UnitRefused
from entrepot.model.declarative import told
from entrepot.publish.build import build_publication
from entrepot.publish.fingerprint import fingerprint
from entrepot.publish.view import LedgerView

if TYPE_CHECKING:
    from collections.abc import Callable

    from entrepot.assembly.registrations import Publisher
    from entrepot.assembly.sync_run import SyncRun
    from entrepot.model.ledger import Changes, PathClash, RefusalRow, Unmet
    from entrepot.publish.build import Given

#: The rule that leaves out a unit whose dependency is not there.
NEEDS = "needs"


@attrs.frozen
class Settled:
    """What the version under construction holds, and whether it differs from the latest."""

    changes: Changes
    fingerprint: str
    publisher: Publisher | None
    whole: bool

    @property
    def differs(self) -> bool:
        """Whether there is anything that the latest version does not say already."""
        return bool(self.changes) or self.whole


async def settle(run: SyncRun, publisher: tuple[str, Publisher] | None, phase: Callable[[str], None]) -> Settled:
    """Finish the content of the version: removals, dependencies, paths; nothing is visible yet.

    Raises what failed units call for, `IntegrityError` when two members claim one path with
    different bytes, and `ContentLost` when too much is gone upstream.
    """
    if run.failed and run.request.on_error == "fail":
        run.raise_failures()
    ledger = run.ledger
    if run.unassociate:
        phase("removing what upstream no longer has")
        await ledger.remove_undeclared()
    phase("checking kept scopes")
    await check_kept(run)
    phase("checking dependencies")
    for unmet in await ledger.unmet():
        await _refuse(run, unmet)
    phase("checking paths")
    if clashes := await ledger.path_clashes():
        raise _clash(clashes)
    said = _fingerprint(publisher, run.options)
    changes = await ledger.changes()
    await check_loss(run, changes)
    return Settled(changes, said, publisher[1] if publisher else None, said != await ledger.previous_fingerprint())


def is_lacking(row: RefusalRow) -> bool:
    """Whether a unit was left out here, because what it needs is not there."""
    return (row.rule, row.plugin) == (NEEDS, BUILTIN)


async def publish(run: SyncRun, settled: Settled, given: Given) -> None:
    """Write the files that clients read, still invisible."""
    if settled.publisher is None:
        await run.ledger.unpublish_rest()  # what a publisher wrote that is gone now
        return
    view = LedgerView(run.repository.name, run.ledger, settled.whole or settled.publisher.always_whole)
    await build_publication(settled.publisher.make(run.request), view, run, given)


def _fingerprint(publisher: tuple[str, Publisher] | None, options: Any) -> str:
    if publisher is None:
        return fingerprint(publisher="", version="", options=None)
    name, registration = publisher
    return fingerprint(publisher=f"{name}:{registration.type}", version=registration.version, options=options)


async def _refuse(run: SyncRun, unmet: Unmet) -> None:
    # Over at once: what lacks may come from another scope, so this one is asked for again next time.
    refused = Refused(f"unit {told(unmet.key)}", NEEDS, _told_chain(unmet), plugin=BUILTIN)
    scopes = dict.fromkeys((unmet.scope, *unmet.further))
    rows = [run.refusal(refused, key=unmet.key, stage="seal", scope=scope, until=0.0) for scope in scopes]
    await run.ledger.refuse(rows)
    run.tell_refused(rows[0])
    run.equipment.listener(UnitRefused(refused.unit, refused.rule, refused.reason, refused.plugin))


def _told_chain(unmet: Unmet) -> str:
    links = [told(link) for link in unmet.chain]
    if unmet.left_out:
        links.insert(-1, f"({unmet.left_out} more)")
    return " needs ".join(links) + ", which is not there"


def _clash(clashes: list[PathClash]) -> IntegrityError:
    first = clashes[0]
    more = f", and {len(clashes) - 1} more paths like it" if len(clashes) > 1 else ""
    return IntegrityError(
        f"path {first.relative_path!r} is claimed with different bytes by {first.keys[0]} and {first.keys[1]}{more}",
        where="the new version, which was not made",
        remedy="give the two different relative paths, or leave one of them out",
    )

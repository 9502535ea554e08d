"""Guards: what an upstream may not do to the served version unless somebody confirms it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from entrepot.assembly.errors import ContentLost

if TYPE_CHECKING:
    from entrepot.assembly.sync_run import SyncRun
    from entrepot.model.ledger import Changes

#: So few members may go whatever share they are; one of two is no loss that anybody need confirm.
FLOOR: Final = 10

#: A scope counts by itself when it held at least this share of the version.
_LARGE_SCOPE: Final = 0.1


async def check_loss(run: SyncRun, changes: Changes) -> None:
    """Raise `ContentLost` when more goes than the repository's `guard_loss` lets go.

    A version left empty is a loss whatever it held. Of a scope that held much of the version, the
    same share may go as of the whole.
    """
    most = run.request.guard_loss
    if most is None or run.request.confirmed.accept_loss or not run.unassociate:
        return
    had = changes.removed + changes.changed + changes.unchanged
    emptied = had > 0 and changes.added + changes.changed + changes.unchanged == 0
    if emptied or (changes.removed >= FLOOR and changes.removed > most * had):
        raise _lost(run, changes.removed, had, "")
    # Only what held a tenth can count, and has lost its share of it: fewer rows need no second look.
    least = max(FLOOR, int(most * _LARGE_SCOPE * had))
    for scope in await run.ledger.lost_scopes(least):
        if scope.removed > most * scope.had and scope.had >= _LARGE_SCOPE * had:
            raise _lost(run, scope.removed, scope.had, f" in scope {scope.scope!r:.200}")


def _lost(run: SyncRun, removed: int, had: int, place: str) -> ContentLost:
    name = run.repository.name
    return ContentLost(
        f"{removed} of {had} members that the latest version has{place} are gone upstream,"
        f" more than the {run.request.guard_loss or 0:.0%} that guard_loss lets go; the latest version stays as it is",
        where=f"repository {name!r}",
        remedy=f"look at the upstream; if it really has so little: entrepot sync {name} --accept-loss",
    )

"""Contradictions: what a sync declares otherwise than a scope that it keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrepot.assembly.default_plan import BUILTIN
from entrepot.assembly.sync_run import LISTED
from entrepot.errors import Failed, InvalidMetadata
from entrepot.events import UnitFailed
from entrepot.model.ledger import FailureRow

if TYPE_CHECKING:
    from entrepot.assembly.sync_run import SyncRun
    from entrepot.model.ledger import Contradiction

_STAGE = "seal"


async def check_kept(run: SyncRun) -> None:
    """Fail each unit whose key a kept scope has with another identity; a kept scope counts as declared.

    Both scopes have a failed unit then, so neither is kept for a checkpoint next time: where one was
    only out of date, that ends by itself. With `on_error` other than "fail", what was declared stands.
    """
    after = ("", "")
    while found := await run.ledger.contradictions(after):
        for told in found:
            await _fail(run, told)
        after = (found[-1].key, found[-1].kept_scope or "")
        if run.request.on_error == "fail":
            run.raise_failures()


async def _fail(run: SyncRun, told: Contradiction) -> None:
    failed = Failed(f"unit {told.key}", _contradiction(told))
    rows = [FailureRow(told.key, _STAGE, BUILTIN, str(failed), None, scope) for scope in (told.scope, told.kept_scope)]
    await run.ledger.fail(rows, keep=False)
    run.failed.append(failed)
    if len(run.failures) < LISTED:
        run.failures.append({**rows[0]._asdict(), "error": failed.reason})
    event = UnitFailed(failed.unit, _STAGE, failed.reason, None, BUILTIN, told.key, told.scope)
    run.equipment.listener(event)


def _contradiction(told: Contradiction) -> InvalidMetadata:
    return InvalidMetadata(
        f"upstream declares {told.key} twice, with different statements (content {told.declared} in"
        f" {_named(told.scope)}, content {told.kept} in {_named(told.kept_scope)}, which was kept as it was)",
        remedy="sync once more, which reads both again; if they still differ, report it upstream",
    )


def _named(scope: str | None) -> str:
    return "no scope" if scope is None else f"scope {scope!r:.200}"

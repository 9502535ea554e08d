"""Checkpoints: what an earlier run noted for a scope, unless it is void."""

from __future__ import annotations

from entrepot.catalog.catalog import Catalog
from entrepot.model.ledger import FailureRow, RefusalRow
from unit.catalog.clocks import Clock
from unit.catalog.saying import a_run, declare, key, said


def failure(scope: str | None) -> FailureRow:
    return FailureRow(key("a"), "Stage", "plugin", "broken \0 \udcff", None, scope)


def refusal(scope: str | None, until: float | None) -> RefusalRow:
    return RefusalRow(key("a"), "rule", "reason", "plugin", "Stage", scope, until)


async def noting(catalog: Catalog, outcome: str = "unchanged", **values: str) -> int:
    """A run that notes checkpoints and ends; which run."""
    ledger = await catalog.begin(a_run())
    for scope, value in values.items():
        await ledger.note_checkpoint(scope, value)
    await ledger.finish(outcome, {})
    return ledger.run


async def asked(catalog: Catalog, *scopes: str, plan: str = "plan") -> list[str | None]:
    """What the next run is told."""
    ledger = await catalog.begin(a_run(plan=plan))
    found = [await ledger.checkpoint(scope) for scope in scopes]
    await ledger.finish("failed", {})
    return found


async def test_a_checkpoint_counts_once_its_run_has_ended_well(catalog: Catalog) -> None:
    """Not before, not after a failure; also where the run made no version."""
    ledger = await catalog.begin(a_run())
    await ledger.note_checkpoint("a", "one")
    assert await ledger.checkpoint("a") is None
    await ledger.finish("unchanged", {})
    await noting(catalog, "failed", a="two")
    await noting(catalog, "cancelled", a="three")

    assert await asked(catalog, "a", "b") == ["one", None]

    ledger = await catalog.begin(a_run())
    await ledger.note_checkpoint("a", "four")
    await ledger.note_checkpoint("a", "five")
    await ledger.complete(fingerprint="", report={})
    assert await asked(catalog, "a") == ["five"]


async def test_a_checkpoint_stays_for_as_long_as_nobody_notes_another(catalog: Catalog) -> None:
    """A run that keeps a scope need not note it again."""
    await noting(catalog, a="one", b="one")
    await noting(catalog, b="two")
    await noting(catalog)

    assert await asked(catalog, "a", "b") == ["one", "two"]


async def test_a_checkpoint_is_void_under_another_plan_and_after_one(catalog: Catalog) -> None:
    """What a run with other plugins or options did to the content is not undone by going back."""
    await noting(catalog, a="one")

    assert await asked(catalog, "a", plan="other") == [None]
    assert await asked(catalog, "a") == ["one"]

    ledger = await catalog.begin(a_run(plan="other"))
    await ledger.finish("unchanged", {})
    assert await asked(catalog, "a") == [None]


async def test_a_scope_with_a_failed_unit_is_read_again(catalog: Catalog) -> None:
    """Also when the failure came in a later run; other scopes are not affected."""
    ledger = await catalog.begin(a_run())
    for scope in ("a", "b", "c"):
        await ledger.note_checkpoint(scope, "one")
    await ledger.fail([failure("a")], keep=True)
    await ledger.finish("unchanged", {})
    assert await asked(catalog, "a", "b", "c") == [None, "one", "one"]

    ledger = await catalog.begin(a_run())
    await ledger.fail([failure("b")], keep=True)
    await ledger.note_checkpoint("a", "two")
    await ledger.finish("unchanged", {})
    assert await asked(catalog, "a", "b", "c") == ["two", None, "one"]


async def test_a_failed_unit_without_a_scope_makes_every_checkpoint_void(catalog: Catalog) -> None:
    """Nobody can say where it came from."""
    ledger = await catalog.begin(a_run())
    await ledger.note_checkpoint("a", "one")
    await ledger.fail([failure(None)], keep=True)
    await ledger.finish("unchanged", {})

    assert await asked(catalog, "a") == [None]


async def test_a_scope_is_read_again_once_a_refusal_in_it_is_over(catalog: Catalog, clock: Clock) -> None:
    """A filter with a time is never blinded by an unchanged upstream; one without stays as it is."""
    ledger = await catalog.begin(a_run())
    for scope in ("a", "b"):
        await ledger.note_checkpoint(scope, "one")
    await ledger.refuse([refusal("a", clock.now + 10), refusal("b", None)])
    await ledger.finish("unchanged", {})

    clock.now += 9
    assert await asked(catalog, "a", "b") == ["one", "one"]
    clock.now += 1
    assert await asked(catalog, "a", "b") == [None, "one"]

    await noting(catalog, a="two")
    assert await asked(catalog, "a") == ["two"]


async def test_checkpoints_are_a_repositorys_own(catalog: Catalog) -> None:
    """Another repository with the same scopes is told nothing."""
    await noting(catalog, a="one")

    ledger = await catalog.begin(a_run("other"))

    assert await ledger.checkpoint("a") is None


async def test_many_notes_cost_few_transactions(catalog: Catalog) -> None:
    """Notes wait for the next transaction, and get one of their own once there are many."""
    ledger = await catalog.begin(a_run())
    calls = catalog.statements.calls

    for number in range(1000):
        await ledger.keep(str(number))
        await ledger.note_checkpoint(str(number), "value")
    await declare(ledger, said("a"))

    assert catalog.statements.calls - calls < 25
    await ledger.finish("unchanged", {})
    assert await asked(catalog, "0", "999") == ["value", "value"]


async def test_what_was_noted_last_can_be_had_even_when_it_is_void(catalog: Catalog) -> None:
    """Another plan and failed units make it void; a run that came to nothing noted nothing."""
    await noting(catalog, a="one")
    await noting(catalog, "failed", a="two")
    ledger = await catalog.begin(a_run(plan="another"))
    await ledger.fail([failure(None)], keep=False)
    await ledger.finish("unchanged", {})

    ledger = await catalog.begin(a_run(plan="another"))

    assert await ledger.checkpoint("a") is None
    assert await ledger.checkpoint("a", even_void=True) == "one"
    assert await ledger.checkpoint("b", even_void=True) is None
    await ledger.finish("failed", {})


async def test_what_was_noted_for_a_scope_is_void_once_members_left_it_unread(catalog: Catalog) -> None:
    """It may come back just as it was, and would be kept unseen although nothing of it is here."""

    async def syncing(**scopes: str) -> None:
        ledger = await catalog.begin(a_run())
        for scope, value in scopes.items():
            await declare(ledger, said(f"in {scope}", value), scope=scope)
            await ledger.note_checkpoint(scope, value)
        await ledger.remove_undeclared()
        await ledger.complete(fingerprint="", report={})

    await syncing(a="one", b="one")
    await syncing(b="two")
    assert await asked(catalog, "a", "b") == [None, "two"]

    await syncing(a="one", b="three")
    assert await asked(catalog, "a", "b") == ["one", "three"]

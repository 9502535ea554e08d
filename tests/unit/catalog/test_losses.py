"""Which scopes a version under construction has lost much of."""

from __future__ import annotations

from collections.abc import Iterable

from entrepot.catalog.catalog import Catalog
from entrepot.model.ledger import ScopeLoss
from unit.catalog.saying import a_run, declare, said


async def version(catalog: Catalog, red: Iterable[str], blue: Iterable[str], *, plan: str = "plan") -> list[ScopeLoss]:
    """Make a mirroring version of two scopes; what it lost of them before it was visible."""
    ledger = await catalog.begin(a_run(mirror=True, plan=plan))
    await declare(ledger, *(said(name) for name in red), scope="red")
    await declare(ledger, *(said(name) for name in blue), scope="blue")
    await ledger.remove_undeclared()
    lost = await ledger.lost_scopes(2)
    await ledger.complete(fingerprint="", report={})
    return lost


async def test_only_members_that_nothing_replaced_are_lost(catalog: Catalog) -> None:
    """What moved to another scope is there; one that went is fewer than was asked for."""
    assert await version(catalog, "abcde", "vwxyz") == []

    assert await version(catalog, "ab", "cvwxy") == [ScopeLoss("red", 2, 5)]


async def test_the_largest_loss_stands_first(catalog: Catalog) -> None:
    """A scope that is gone whole is one, too."""
    await version(catalog, "abcde", "vwxyz")

    assert await version(catalog, "abc", "") == [ScopeLoss("blue", 5, 5), ScopeLoss("red", 2, 5)]


async def test_another_plan_explains_what_goes(catalog: Catalog) -> None:
    """The operator asked for something else than before."""
    await version(catalog, "abcde", "vwxyz")

    assert await version(catalog, "abc", "", plan="another") == []


async def test_what_several_scopes_listed_was_lost_by_each(catalog: Catalog) -> None:
    """Whichever of them its row names; what one of them still lists is no loss to the other."""
    await version(catalog, "abcdxy", "abcdvw")

    assert await version(catalog, "xyb", "avw") == [ScopeLoss("blue", 2, 6), ScopeLoss("red", 2, 6)]

"""Contents: statements, written once and found by identity."""

from __future__ import annotations

import pytest
from sqlalchemy import create_engine, text

from entrepot.catalog.catalog import Catalog
from entrepot.model.ledger import Ledger, Statement
from unit.catalog.saying import a_run, declare, holding, link, names, said


async def look_up(ledger: Ledger, *statements: Statement) -> list[int | None]:
    return await ledger.find_contents(
        [statement.identity for statement in statements], [statement.key for statement in statements]
    )


async def test_equal_statements_are_one_row(catalog: Catalog) -> None:
    """Twice in a batch, twice in a run, or in two repositories: the number is the same."""
    one, other = await catalog.begin(a_run("one")), await catalog.begin(a_run("other"))

    first = await one.save_contents([said("a"), said("b"), said("a")])
    again = await one.save_contents([said("b")])
    elsewhere = await other.save_contents([said("c"), said("a"), said("b")])

    assert first[0] == first[2] != first[1]
    assert again == [first[1]]
    assert elsewhere[1:] == first[:2]
    assert len({*first, *elsewhere}) == 3


async def test_statements_are_found_by_identity(catalog: Catalog) -> None:
    """What was saved is found, what was not is None, in the order of the questions."""
    ledger = await catalog.begin(a_run())
    (number,) = await ledger.save_contents([said("a")])

    found = await look_up(ledger, said("b"), said("a"), said("a", "other"))

    assert found == [None, number, None]


async def test_many_thousand_statements_are_one_batch(catalog: Catalog) -> None:
    """A batch may be larger than one statement to the database carries."""
    ledger = await catalog.begin(a_run())
    statements = [said(f"ü{number}", links=[link(f"päth/{number}", str(number))]) for number in range(4100)]

    numbers = await ledger.save_contents(statements)

    assert len(set(numbers)) == len(statements)
    assert await look_up(ledger, *statements) == numbers


async def test_text_of_any_kind_comes_back_as_it_was(catalog: Catalog) -> None:
    """Keys, paths and fields are kept to the character, whatever script they are in."""
    ledger = await catalog.begin(a_run())
    odd = [said(name, links=[link(f"{name}/x", name)]) for name in ("", "日本", "a\\\\b", "%s :x ?", "é" * 300, "😀")]

    await declare(ledger, *odd)
    await ledger.complete(fingerprint="", report={})

    assert names(catalog, 1) == holding(*odd)
    assert [row.content for row in catalog.reader.locate("tools", 1, "日本/x")] != []


async def test_what_plugins_do_around_a_batch_stands_or_falls_with_it(catalog: Catalog) -> None:
    """`before` and `after` run in the transaction: where they fail, nothing of the batch is saved."""
    ledger = await catalog.begin(a_run())
    order: list[str] = []

    def fail() -> None:
        order.append("after")
        raise ValueError("a plugin's trouble")

    with pytest.raises(ValueError, match="a plugin's trouble"):
        await ledger.save_contents([said("a")], before=lambda: order.append("before"), after=fail)

    assert order == ["before", "after"]
    assert await look_up(ledger, said("a")) == [None]


async def test_a_condemned_statement_that_is_found_lives_on(catalog: Catalog, catalog_url: str) -> None:
    """Looking a statement up, or saving it again, takes back its condemnation."""
    ledger = await catalog.begin(a_run())
    numbers = await ledger.save_contents([said("found"), said("saved"), said("neither")])
    engine = create_engine(catalog_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE content SET condemned = 1.0"))

    found = await look_up(ledger, said("found"))
    saved = await ledger.save_contents([said("saved"), said("new")])

    assert [*found, saved[0]] == numbers[:2]
    with engine.connect() as connection:
        condemned = connection.execute(text("SELECT id FROM content WHERE condemned IS NOT NULL")).scalars().all()
        assert condemned == [numbers[2]]
    engine.dispose()

"""Artifacts: bytes by digest, and who may have them."""

from __future__ import annotations

import hashlib

import pytest
from sqlalchemy import create_engine, text

from entrepot.catalog.catalog import Catalog
from entrepot.catalog.faults import BytesGone
from entrepot.model.artifact import StoredArtifact
from entrepot.model.digest import Digest
from entrepot.model.ledger import KeptArtifact
from unit.catalog.saying import a_run, kept, sha256


def by_sha256(body: str) -> Digest:
    return Digest("sha256", sha256(body))


def by_md5(body: str) -> Digest:
    return Digest("md5", hashlib.md5(body.encode(), usedforsecurity=False).digest())


async def test_answers_stand_in_the_order_of_the_questions(catalog: Catalog) -> None:
    """Known bytes are found by any of their digests, unknown ones are None, each in its place."""
    ledger = await catalog.begin(a_run())
    await ledger.save_artifacts([kept("one", by_sha256("one"), by_md5("one")), kept("three")])

    found = await ledger.find_artifacts([by_sha256("three"), by_md5("one"), by_sha256("two"), by_md5("three")])

    assert found == [StoredArtifact(sha256("three"), 5), StoredArtifact(sha256("one"), 3), None, None]


async def test_asking_for_nothing_finds_nothing(catalog: Catalog) -> None:
    """An empty batch is a batch."""
    ledger = await catalog.begin(a_run())

    assert await ledger.find_artifacts([]) == []
    await ledger.save_artifacts([])


async def test_a_batch_may_be_given_twice_and_be_larger_than_a_transaction(catalog: Catalog) -> None:
    """Saving is idempotent, and every one of many thousand is found."""
    ledger = await catalog.begin(a_run())
    bodies = [str(number) for number in range(4500)]

    for _ in range(2):
        await ledger.save_artifacts([kept(body) for body in bodies])

    found = await ledger.find_artifacts([by_sha256(body) for body in bodies])
    assert found == [StoredArtifact(sha256(body), len(body)) for body in bodies]


async def test_a_private_repositorys_bytes_are_its_own(catalog: Catalog) -> None:
    """Others do not find them until they obtain the bytes themselves; then both do, from one row."""
    private = await catalog.begin(a_run("secret", private=True))
    public = await catalog.begin(a_run("open"))
    await private.save_artifacts([kept("body", by_md5("body"))])

    assert await public.find_artifacts([by_sha256("body"), by_md5("body")]) == [None, None]
    assert await private.find_artifacts([by_sha256("body")]) == [StoredArtifact(sha256("body"), 4)]

    await public.save_artifacts([kept("body")])
    assert await public.find_artifacts([by_sha256("body"), by_md5("body")]) == [StoredArtifact(sha256("body"), 4)] * 2


async def test_a_private_repository_may_have_what_everybody_may_have(catalog: Catalog) -> None:
    """Shared bytes are not downloaded again for a private repository."""
    public = await catalog.begin(a_run("open"))
    private = await catalog.begin(a_run("secret", private=True))

    await public.save_artifacts([kept("body")])

    assert await private.find_artifacts([by_sha256("body")]) == [StoredArtifact(sha256("body"), 4)]


@pytest.mark.promise("P35")
async def test_two_private_repositories_do_not_see_each_others_bytes(catalog: Catalog) -> None:
    """A realm is one repository's, also where another is private too."""
    one = await catalog.begin(a_run("one", private=True))
    other = await catalog.begin(a_run("other", private=True))

    await one.save_artifacts([kept("body")])

    assert await other.find_artifacts([by_sha256("body")]) == [None]


async def test_bytes_that_went_away_are_not_committed(catalog: Catalog) -> None:
    """Found bytes are looked at again inside the transaction; if gone, the batch leaves nothing behind."""
    ledger = await catalog.begin(a_run())
    gone = KeptArtifact(sha256("gone"), 4, (), recheck=lambda: False)

    with pytest.raises(BytesGone):
        await ledger.save_artifacts([kept("here"), gone])

    assert await ledger.find_artifacts([by_sha256("here"), by_sha256("gone")]) == [None, None]


async def test_what_is_found_is_not_condemned_any_more(catalog: Catalog, catalog_url: str) -> None:
    """A look-up takes back a condemnation, so that a prune under way spares what a run relies on."""
    ledger = await catalog.begin(a_run())
    await ledger.save_artifacts([kept("one", by_md5("one")), kept("two")])
    engine = create_engine(catalog_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE artifact SET condemned = 1.0"))

    found = await ledger.find_artifacts([by_md5("one"), by_sha256("none")])

    assert found == [StoredArtifact(sha256("one"), 3), None]
    with engine.connect() as connection:
        condemned = connection.execute(text("SELECT sha256 FROM artifact WHERE condemned IS NOT NULL")).scalars()
        assert [bytes(name) for name in condemned] == [sha256("two")]
    engine.dispose()


async def test_fetched_bytes_are_had_by_those_who_may(catalog: Catalog) -> None:
    """What was fetched on demand through a private repository belongs to it alone."""
    for name in ("open", "secret"):
        ledger = await catalog.begin(a_run(name, private=name == "secret"))
        await ledger.finish("unchanged", {})

    await catalog.keep_fetched("secret", kept("body", by_md5("body")), private=True)
    await catalog.keep_fetched("open", kept("other"), private=False)

    public, private = await catalog.begin(a_run("open")), await catalog.begin(a_run("secret", private=True))
    asked = [by_sha256("body"), by_sha256("other")]
    assert await public.find_artifacts(asked) == [None, StoredArtifact(sha256("other"), 5)]
    assert await private.find_artifacts(asked) == [
        StoredArtifact(sha256("body"), 4),
        StoredArtifact(sha256("other"), 5),
    ]

"""Short ways to say what a sync says to its ledger."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from sqlalchemy import create_engine, text

from entrepot.catalog.catalog import Catalog
from entrepot.catalog.columns import metadata
from entrepot.catalog.rows import RunRequest
from entrepot.catalog.schema import schema_revision
from entrepot.model.content import ArtifactLink
from entrepot.model.digest import Digest
from entrepot.model.ledger import BodyRow, Clash, KeptArtifact, Ledger, Member, Statement

TYPE = "test.thing"


def a_run(
    repository: str = "tools", kind: str = "test", *, mirror: bool = True, private: bool = False, plan: str = "plan"
) -> RunRequest:
    """What a run says of itself."""
    return RunRequest(repository=repository, type=kind, private=private, mirror=mirror, plan_fingerprint=plan)


def key(name: str, type_name: str = TYPE) -> str:
    """A natural key."""
    return f'["{type_name}","{name}"]'


def sha256(text: str) -> bytes:
    """The digest of some bytes."""
    return hashlib.sha256(text.encode()).digest()


def link(path: str, body: str, size: int | None = None) -> ArtifactLink:
    """An artifact at a path, as a statement declares it."""
    return ArtifactLink(path, "sha256", sha256(body), len(body) if size is None else size)


def said(
    name: str,
    state: str = "",
    *,
    links: Sequence[ArtifactLink] = (),
    indexed: Sequence[tuple[str, str]] = (),
    type_name: str = TYPE,
) -> Statement:
    """What upstream says of a thing, in one state or another."""
    fields = f'{{"name":"{name}","state":"{state}"}}'.encode()
    identity = sha256(repr((type_name, name, state, [tuple(part) for part in links])))
    return Statement(type_name, identity, key(name, type_name), fields, list(links), list(indexed))


async def declare(ledger: Ledger, *statements: Statement, scope: str | None = None) -> list[Clash]:
    """Save statements and make them members."""
    numbers = await ledger.save_contents(statements)
    return await ledger.associate(
        [Member(statement.key, number, scope) for statement, number in zip(statements, numbers, strict=True)]
    )


async def needing(ledger: Ledger, statement: Statement, *names: str) -> None:
    """Make a statement a member that needs others."""
    (number,) = await ledger.save_contents([statement])
    await ledger.associate([Member(statement.key, number, None, tuple(key(name) for name in names))])


async def sync(catalog: Catalog, *statements: Statement, repository: str = "tools", mirror: bool = True) -> int:
    """Make a version of exactly these statements, or on top of the latest; its number."""
    ledger = await catalog.begin(a_run(repository, mirror=mirror))
    await declare(ledger, *statements)
    if mirror:
        await ledger.remove_undeclared()
    await ledger.complete(fingerprint="", report={})
    return ledger.number


def names(catalog: Catalog, number: int, repository: str = "tools") -> dict[str, bytes]:
    """A version's members: what each key says."""
    return {row.key: row.fields for row in catalog.reader.members(repository, number)}


def holding(*statements: Statement) -> dict[str, bytes]:
    """What `names` gives for a version of these statements."""
    return {statement.key: statement.fields for statement in statements}


def kept(body: str, *digests: Digest) -> KeptArtifact:
    """Bytes that stand in storage."""
    return KeptArtifact(sha256(body), len(body), digests)


def page(path: str, body: str, media_type: str = "text/html") -> BodyRow:
    """A small published file."""
    return BodyRow(path, media_type, body.encode(), None)


def overtake(url: str, repository: str) -> None:
    """Raise the token of a lease, as whoever takes it over does."""
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(
            text(
                "UPDATE lease SET token = token + 1 WHERE repository = (SELECT id FROM repository WHERE name = :name)"
            ),
            {"name": repository},
        )
    engine.dispose()


def empty(url: str) -> None:
    """Forget everything that a catalog holds, its tables excepted."""
    engine = create_engine(url)
    with engine.begin() as connection:
        for table in metadata.sorted_tables:
            if table.name != schema_revision.name:
                connection.execute(table.delete())
    engine.dispose()

"""Paths claimed under digests of different algorithms: what the bytes tell, once they came."""

from __future__ import annotations

import hashlib

import pytest

from entrepot.catalog.catalog import Catalog
from entrepot.model.content import ArtifactLink
from entrepot.model.digest import Digest
from unit.catalog.saying import a_run, declare, kept, key, said


def digest(algorithm: str, body: str) -> Digest:
    """The digest of some bytes by one algorithm."""
    return Digest(algorithm, hashlib.new(algorithm, body.encode()).digest())


def link(algorithm: str, body: str) -> ArtifactLink:
    """The path that all claim, with no size to tell them apart by."""
    return ArtifactLink("claimed", algorithm, digest(algorithm, body).value, None)


PAIRS = [("sha256", "md5"), ("md5", "sha256"), ("sha512", "md5"), ("md5", "sha512")]


@pytest.mark.parametrize("algorithms", PAIRS)
@pytest.mark.parametrize("held", ["first", "second", "both"])
async def test_bytes_that_came_tell_what_their_digests_do_not(
    catalog: Catalog, algorithms: tuple[str, str], held: str
) -> None:
    """Bytes of one side are enough, where their digest by the other's algorithm was computed."""
    ledger = await catalog.begin(a_run())
    for body in ("first", "second") if held == "both" else (held,):
        await ledger.save_artifacts([kept(body, *(digest(name, body) for name in ("md5", "sha512")))])
    one, other = (link(name, body) for name, body in zip(algorithms, ("first", "second"), strict=True))

    await declare(ledger, said("a", links=[one]), said("b", links=[other]))

    (clash,) = await ledger.path_clashes()
    assert (clash.relative_path, set(clash.keys)) == ("claimed", {key("a"), key("b")})


@pytest.mark.parametrize("algorithms", PAIRS)
async def test_the_same_bytes_under_two_digests_are_no_clash(catalog: Catalog, algorithms: tuple[str, str]) -> None:
    """Nor is what nobody can know, because nothing came yet."""
    ledger = await catalog.begin(a_run())
    await ledger.save_artifacts([kept("same", digest("md5", "same"), digest("sha512", "same"))])
    one, other = (link(name, "same") for name in algorithms)
    await declare(ledger, said("a", links=[one]), said("b", links=[other]))
    assert await ledger.path_clashes() == []

    unseen = await catalog.begin(a_run("other"))
    one, other = (link(name, body) for name, body in zip(algorithms, ("never", "came"), strict=True))
    await declare(unseen, said("a", links=[one]), said("b", links=[other]))
    assert await unseen.path_clashes() == []

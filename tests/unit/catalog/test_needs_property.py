"""Whatever is declared, kept and taken out, what stays is the most that has all it needs."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from entrepot.catalog.catalog import Catalog
from entrepot.model.ledger import Ledger, Member, RefusalRow
from unit.catalog.saying import a_run, empty, key, names, said

#: Each name is listed in one scope.
SCOPES = {"a": "s", "b": "s", "c": "t", "d": "t", "e": None, "f": "s"}

#: In each run every name is left unsaid, or said in one of two states, with what it needs.
SAID = st.none() | st.tuples(st.sampled_from("xy"), st.sets(st.sampled_from((*SCOPES, "missing")), max_size=2))
RUN = st.fixed_dictionaries(
    {
        "mirror": st.booleans(),
        "said": st.fixed_dictionaries(dict.fromkeys(SCOPES, SAID)),
        "keep": st.sets(st.sampled_from("st")),
        "evicted": st.sets(st.sampled_from(tuple(SCOPES)), max_size=2),
        "made": st.sampled_from((True, True, True, False)),
    }
)


class Held(NamedTuple):
    """What a version says of a name, and what that needs."""

    state: str
    needs: frozenset[str]


def version_after(latest: Mapping[str, Held], what: dict[str, Any]) -> tuple[dict[str, Held], set[str]]:
    """The version that a run makes, and the names that it tells to lack something."""
    new = {name: Held(said[0], frozenset(said[1])) for name, said in what["said"].items() if said is not None}
    old = {name: held for name, held in latest.items() if name in new or name not in what["evicted"]}
    if what["mirror"]:
        old = {name: held for name, held in old.items() if name not in new and SCOPES[name] in what["keep"]}
    there = new.keys() | old.keys()
    while fallen := {name for name in there if not any(has_all(side.get(name), there) for side in (new, old))}:
        there = there - fallen
    left = {name: new[name] if has_all(new.get(name), there) else old[name] for name in there}
    return left, {name for name in new.keys() | old.keys() if not has_all(new.get(name, old.get(name)), there)}


def has_all(held: Held | None, there: Any) -> bool:
    return held is not None and held.needs <= there


async def carry_out(ledger: Ledger, what: dict[str, Any]) -> set[str]:
    """Say to a ledger what the model was told; the keys that lack something."""
    for scope in what["keep"]:
        await ledger.keep(scope)
    said_now = [(name, *told) for name, told in what["said"].items() if told is not None]
    numbers = await ledger.save_contents([said(name, state) for name, state, _ in said_now])
    await ledger.associate(
        [
            Member(key(name), number, SCOPES[name], tuple(key(needed) for needed in sorted(needs)))
            for (name, _, needs), number in zip(said_now, numbers, strict=True)
        ]
    )
    refusals = [RefusalRow(key(name), "r", "r", "p", "S", None, None) for name in sorted(what["evicted"])]
    await ledger.refuse(refusals, evict=[row.key for row in refusals])
    if what["mirror"]:
        await ledger.remove_undeclared()
    return {unmet.key for unmet in await ledger.unmet()}


async def live(url: str, locks: Path, runs: list[dict[str, Any]]) -> None:
    """Carry out runs one after the other, and compare what stays with the model after each."""
    versions: list[dict[str, Held]] = [{}]
    catalog = Catalog.open(url, locks=locks)
    try:
        for what in runs:
            version, lacking = version_after(versions[-1], what)
            ledger = await catalog.begin(a_run(mirror=what["mirror"]))
            assert await carry_out(ledger, what) == {key(name) for name in lacking}
            if what["made"]:
                await ledger.complete(fingerprint="", report={})
                versions.append(version)
            else:
                await ledger.finish("failed", {})
            for number, members in enumerate(versions[1:], start=1):
                said_of = {key(name): said(name, held.state).fields for name, held in members.items()}
                assert names(catalog, number) == said_of
            assert catalog.audit.violations(ended=True) == []
    finally:
        catalog.close()


@pytest.mark.promise("P02")
@pytest.mark.slow
@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(runs=st.lists(RUN, min_size=1, max_size=5))
def test_what_stays_on_sqlite_is_what_the_model_says(
    runs: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Chains and rings, kept or declared, with predecessors that stand or do not."""
    folder = tmp_path_factory.mktemp("catalog")
    url = f"sqlite:///{folder}/catalog.sqlite"
    Catalog.open(url, locks=folder, create=True).close()

    asyncio.run(live(url, folder, runs))


@pytest.mark.promise("P02")
@pytest.mark.slow
@pytest.mark.postgres
@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(runs=st.lists(RUN, min_size=1, max_size=5))
def test_what_stays_on_postgresql_is_what_the_model_says(
    runs: list[dict[str, Any]], shared_catalog: str, tmp_path: Path
) -> None:
    """The same on a server."""
    empty(shared_catalog)

    asyncio.run(live(shared_catalog, tmp_path, runs))

    empty(shared_catalog)

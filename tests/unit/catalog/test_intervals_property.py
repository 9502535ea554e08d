"""Whatever runs do, versions are what a plain model says they are, and no version ever changes."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, NamedTuple

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from entrepot.catalog.catalog import Catalog
from entrepot.model.ledger import BodyRow, FailureRow, Ledger, Member, RefusalRow
from unit.catalog.saying import a_run, empty, key, page, said

NAMES = "abcde"
SCOPES = (None, "s", "t")
STATES = "xyz"
ENDINGS = ("complete", "complete", "complete", "finish", "die")

RUN = st.fixed_dictionaries(
    {
        "mirror": st.booleans(),
        "declared": st.lists(
            st.tuples(st.sampled_from(NAMES), st.sampled_from(STATES), st.sampled_from(SCOPES)), max_size=7
        ),
        "keep": st.sets(st.sampled_from(("s", "t"))),
        "rest": st.booleans(),
        "drop": st.sets(st.sampled_from(("s", "t"))),
        "spared": st.sets(st.sampled_from(NAMES), max_size=2),
        "evicted": st.sets(st.sampled_from(NAMES), max_size=2),
        "files": st.dictionaries(st.sampled_from("fgh"), st.sampled_from(STATES)),
        "whole": st.booleans(),
        "ending": st.sampled_from(ENDINGS),
    }
)


class Held(NamedTuple):
    """What a version says of a key, and where that is listed."""

    state: str
    home: str | None
    scopes: frozenset[str | None]


@attrs.define
class Model:
    """A repository as it should be: every version's members and files, in plain dictionaries."""

    versions: list[tuple[dict[str, Held], dict[str, str]]] = attrs.Factory(list)

    def run(self, what: dict[str, Any]) -> tuple[dict[str, Held], dict[str, str]]:
        """What the version of a run would hold."""
        latest, files = self.versions[-1] if self.versions else ({}, {})
        declared = declared_by(what)
        members = {name: held for name, held in latest.items() if name not in what["evicted"] or name in declared}
        for name, held in declared.items():
            members[name] = replaced(latest.get(name), held, what, looked_at(what, declared))
        if what["mirror"]:
            looked = looked_at(what, declared)
            members = {
                name: left
                for name, held in members.items()
                if (left := left_of(name, held, declared.get(name), what, looked)).scopes
            }
        return members, ({} if what["whole"] else dict(files)) | what["files"]

    def contradicted(self, what: dict[str, Any]) -> set[tuple[str, str | None]]:
        """Keys that a run says something else of than a scope that it keeps."""
        latest, declared = self.versions[-1][0] if self.versions else {}, declared_by(what)
        looked = looked_at(what, declared)
        return {
            (key(name), scope)
            for name, held in declared.items()
            if name in latest and latest[name].state != held.state
            for scope in latest[name].scopes - held.scopes
            if stays(scope, what, looked)
        }


def declared_by(what: dict[str, Any]) -> dict[str, Held]:
    """The first statement of each key, with all the scopes that it was made in."""
    declared: dict[str, Held] = {}
    for name, state, scope in what["declared"]:
        held = declared.setdefault(name, Held(state, scope, frozenset()))
        if held.state == state:
            declared[name] = held._replace(scopes=held.scopes | {scope})
    return declared


def looked_at(what: dict[str, Any], declared: dict[str, Held]) -> set[str | None]:
    """Scopes that are not part of the rest."""
    dropped: set[str] = what["drop"]
    return {scope for held in declared.values() for scope in held.scopes} | dropped


def stays(scope: str | None, what: dict[str, Any], looked: set[str | None]) -> bool:
    """Whether a scope is kept unseen."""
    return scope in what["keep"] or (what["rest"] and scope not in looked)


def replaced(before: Held | None, held: Held, what: dict[str, Any], looked: set[str | None]) -> Held:
    """A declared key, with the scopes that listed it before and were not asked."""
    if before is None:
        return held
    if before.state == held.state:
        return Held(held.state, before.home, before.scopes | held.scopes)
    gone = frozenset() if stays(before.home, what, looked) else frozenset({before.home})
    return held._replace(scopes=held.scopes | (before.scopes - gone))


def left_of(name: str, held: Held, declared: Held | None, what: dict[str, Any], looked: set[str | None]) -> Held:
    """A key with the scopes that still list it; all of them where it is kept itself."""
    if name in what["spared"]:
        return held
    stay = frozenset(scope for scope in held.scopes if stays(scope, what, looked))
    stay |= declared.scopes if declared else frozenset()
    home = held.home if held.home in stay or not stay else min(stay, key=lambda scope: scope or "")
    return Held(held.state, home, stay)


async def carry_out(ledger: Ledger, what: dict[str, Any]) -> set[tuple[str, str | None]]:
    """Say to a ledger what the model was told, clashes and all; keys and kept scopes that were contradicted."""
    if what["rest"]:
        await ledger.keep_rest()
    for scope in what["keep"]:
        await ledger.keep(scope)
    for scope in what["drop"]:
        await ledger.drop(scope)
    for start in range(0, len(what["declared"]), 3):
        batch = what["declared"][start : start + 3]
        numbers = await ledger.save_contents([said(name, state) for name, state, _ in batch])
        await ledger.associate(
            [Member(key(name), number, scope) for (name, _, scope), number in zip(batch, numbers, strict=True)]
        )
    await ledger.fail([FailureRow(key(name), "S", "p", "e", None, None) for name in sorted(what["spared"])], keep=True)
    refusals = [RefusalRow(key(name), "r", "r", "p", "S", None, None) for name in sorted(what["evicted"])]
    await ledger.refuse(refusals, evict=[row.key for row in refusals])
    if what["mirror"]:
        await ledger.remove_undeclared()
    told = [(each.key, each.kept_scope) for each in await ledger.contradictions()]
    files: list[BodyRow] = [page(path, body) for path, body in what["files"].items()]
    await ledger.publish(files)
    if what["whole"]:
        await ledger.unpublish_rest()
    return set(told)


def seen(catalog: Catalog, number: int) -> tuple[dict[str, bytes], dict[str, bytes | None]]:
    members = {row.key: row.fields for row in catalog.reader.members("tools", number)}
    found = {path: catalog.reader.locate("tools", number, path) for path in "fgh"}
    return members, {path: answers[0].body for path, answers in found.items() if answers}


def expected(version: tuple[dict[str, Held], dict[str, str]]) -> tuple[dict[str, bytes], dict[str, bytes | None]]:
    members, files = version
    return (
        {key(name): said(name, held.state).fields for name, held in members.items()},
        {path: body.encode() for path, body in files.items()},
    )


async def live(url: str, locks: Path, runs: list[dict[str, Any]]) -> None:
    """Carry out runs one after the other, and compare every version with the model after each."""
    model, catalog = Model(), Catalog.open(url, locks=locks)
    try:
        for what in runs:
            ledger = await catalog.begin(a_run(mirror=what["mirror"]))
            assert ledger.number == len(model.versions) + 1
            assert await carry_out(ledger, what) == model.contradicted(what)
            before = model.versions[-1][0] if model.versions else {}
            version = model.run(what)
            changes = await ledger.changes()
            states = [{name: held.state for name, held in held_by.items()} for held_by in (before, version[0])]
            assert changes.added == len(states[1].keys() - states[0].keys())
            assert changes.removed == len(states[0].keys() - states[1].keys())
            both = states[0].keys() & states[1].keys()
            assert changes.changed == sum(states[0][name] != states[1][name] for name in both)
            assert changes.unchanged == len(both) - changes.changed
            if what["ending"] == "complete":
                await ledger.complete(fingerprint="", report={})
                model.versions.append(version)
                assert catalog.reader.version("tools").members == len(version[0])
            elif what["ending"] == "finish":
                await ledger.finish("failed", {})
            else:
                catalog.close()
                catalog = Catalog.open(url, locks=locks)
            for number, held in enumerate(model.versions, start=1):
                assert seen(catalog, number) == expected(held)
    finally:
        catalog.close()


@pytest.mark.promise("P02")
@pytest.mark.slow
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(runs=st.lists(RUN, min_size=1, max_size=6))
def test_versions_on_sqlite_are_what_the_model_says(
    runs: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Declaring, mirroring, keeping, dropping, failing, publishing, dying, in any order."""
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
@given(runs=st.lists(RUN, min_size=1, max_size=6))
def test_versions_on_postgresql_are_what_the_model_says(
    runs: list[dict[str, Any]], shared_catalog: str, tmp_path: Path
) -> None:
    """The same on a server, where a dead process is told by its lease."""
    empty(shared_catalog)

    asyncio.run(live(shared_catalog, tmp_path, runs))

    empty(shared_catalog)

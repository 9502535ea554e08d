"""Units that need others, in whole syncs: what falls, what stands, and what is told of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import attrs
import pytest

from entrepot.depot import Depot
from entrepot.events import Event, UnitRefused
from entrepot.operations.sync import retry_failed, sync
from entrepot.operations.why import why
from entrepot.plugin import (
    Artifact,
    Content,
    ContentAssociation,
    DeclarativeArtifact,
    DeclarativeContent,
    Edit,
    FirstStage,
    QueryExistingArtifacts,
    Remote,
    RunContext,
    Stage,
    before,
    hookimpl,
    key,
    key_of,
)
from entrepot.testing.bad_origin import BadOrigin
from entrepot.testing.bad_replies import Reply
from integration.opening import OpenDepot

CHAIN = {"a": "b", "b": "c", "c": "d", "d": "e", "e": ""}
RING = {"x": "y", "y": "z", "z": "x", "other": ""}


@attrs.frozen
class Part(Content):
    """A part, in one state or another."""

    TYPE = "machine.part"
    name: str = key()
    state: str = ""


@attrs.define(eq=False)
class Machine:
    """A plugin, and its upstream: parts, each with the names of what it needs.

    `bad` are served with other bytes, `banned` are refused by a stage: behind the first one, or,
    when that is `late`, when all but the association is done.
    """

    origin: BadOrigin
    parts: Mapping[str, str] = attrs.field(factory=dict)
    state: str = ""
    by_unit: bool = False
    bad: set[str] = attrs.field(factory=set)
    banned: set[str] = attrs.field(factory=set)
    late: bool = False
    evict: bool = False

    @hookimpl
    def entrepot_register_content_types(self) -> list[type[Content]]:
        return [Part]

    @hookimpl
    def entrepot_register_first_stages(self) -> list[FirstStage]:
        return [FirstStage(type="machine", make=lambda context: Declare(context.remote, self))]

    @hookimpl
    def entrepot_edit_plan(self, context: RunContext) -> Sequence[Edit]:
        return [before(ContentAssociation if self.late else QueryExistingArtifacts, Ban(self))]


class Declare(Stage):
    """Every part, with its bytes."""

    def __init__(self, remote: Remote, machine: Machine) -> None:
        self.remote, self.machine = remote, machine

    async def run(self) -> None:
        machine = self.machine
        units = {name: self.unit(name) for name in machine.parts}
        for name, unit in units.items():
            needed = machine.parts[name].split()
            unit.depends_on = [units[one] if machine.by_unit else key_of(Part, one) for one in needed]
            await self.put(unit)

    def unit(self, name: str) -> DeclarativeContent:
        path = f"{name[:3]}.{self.machine.state}"
        body = path.encode()
        self.machine.origin.on(f"/{path}", Reply(body=body.upper() if name in self.machine.bad else body))
        artifact = Artifact(hashlib.sha256(body).hexdigest())
        where = DeclarativeArtifact(artifact, self.machine.origin.url(f"/{path}"), f"{name[:3]}.bin", self.remote)
        return DeclarativeContent(Part(name, self.machine.state), [where], scope="parts")


class Ban(Stage):
    """Leaves some parts out."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    async def run(self) -> None:
        async for unit in self.items():
            if unit.content.name in self.machine.banned:  # type: ignore[attr-defined]  # all here are parts
                await self.refuse(unit, "banned", "it is not wanted", evict=self.machine.evict)
            else:
                await self.put(unit)


@pytest.fixture
def any_catalog() -> None:
    """A SQLite file alone: what a database has to do with it, `tests/unit/catalog/test_needs.py` asks of both."""


@pytest.fixture
def machine(origin: BadOrigin) -> Machine:
    """A machine of five parts, each of which needs the next."""
    return Machine(origin, CHAIN)


def opened(open_depot: OpenDepot, machine: Machine, **table: Any) -> AbstractContextManager[Depot]:
    said = {"type": "machine", "url": machine.origin.url("/"), "retries": 0, "allow_private": True, "on_error": "skip"}
    return open_depot({"machine": {**said, **table}}, plugins=[("machines", machine)])


def parts(depot: Depot) -> str:
    """The parts of the latest version, with the state of each."""
    number = depot.catalog.reader.version("machine").number
    rows = depot.catalog.reader.members("machine", number)
    states = [row.fields.decode().partition('"state":"')[2].partition('"')[0] for row in rows]
    return " ".join(row.key.split('"')[3] + state for row, state in zip(rows, states, strict=True))


def told(depot: Depot) -> dict[str, str]:
    """Why each part was left out that was refused last."""
    run = depot.catalog.reader.last_run("machine")
    assert run is not None
    return {row.key.split('"')[3]: row.reason for row in depot.catalog.reader.refusals("machine", run.id)}


@pytest.mark.parametrize("by_unit", [True, False])
async def test_a_failed_unit_takes_along_what_needs_it_and_the_chain_is_told(
    open_depot: OpenDepot, machine: Machine, *, by_unit: bool
) -> None:
    """In the report, the catalog, the events and the answer to `why`; what does not need it stands."""
    machine.bad, machine.by_unit = {"d"}, by_unit
    events: list[Event] = []
    with opened(open_depot, machine) as depot:
        outcome = await sync(depot, "machine", listener=events.append)

        chain = " needs ".join(f'["machine.part","{name}"]' for name in "abcd") + ", which is not there"
        assert (parts(depot), outcome.failed, outcome.refused) == ("e", 1, 3)
        assert told(depot).keys() == set("abc")
        assert told(depot)["a"] == chain
        assert next(event.reason for event in events if isinstance(event, UnitRefused)) == chain
        (answer,) = why(depot, "machine", "a").each
        assert (answer.state, answer.refusals[0].row.reason) == ("refused", chain)
        assert (answer.refusals[0].row.rule, answer.refusals[0].row.stage) == ("needs", "seal")


@pytest.mark.parametrize("late", [True, False])
@pytest.mark.parametrize("by_unit", [True, False])
async def test_what_a_rule_refuses_takes_along_what_needs_it(
    open_depot: OpenDepot, machine: Machine, *, late: bool, by_unit: bool
) -> None:
    """Wherever the stage stands, and with nothing failed: the rule is told for the one, the chain for the others."""
    machine.banned, machine.late, machine.by_unit = {"c"}, late, by_unit
    with opened(open_depot, machine, on_error="fail", mirror=True) as depot:
        await sync(depot, "machine")

        assert parts(depot) == "d e"
        assert told(depot)["c"] == "it is not wanted"
        assert told(depot)["b"].endswith('"b"] needs ["machine.part","c"], which is not there')


@pytest.mark.parametrize(("needs", "left"), [("x", "other x y z"), ("x nowhere", "other")])
async def test_a_ring_stands_or_falls_together(open_depot: OpenDepot, machine: Machine, needs: str, left: str) -> None:
    """It falls for what nobody declares, and the chain of each leads there."""
    machine.parts = {**RING, "z": needs}
    with opened(open_depot, machine) as depot:
        await sync(depot, "machine")

        assert parts(depot) == left
        missing = 'needs ["machine.part","nowhere"], which is not there'
        assert all(reason.endswith(missing) for reason in told(depot).values())


@pytest.mark.parametrize("by_unit", [True, False])
async def test_a_ring_falls_with_one_that_failed(open_depot: OpenDepot, machine: Machine, *, by_unit: bool) -> None:
    """By key or by unit."""
    machine.parts, machine.bad, machine.by_unit = RING, {"y"}, by_unit
    with opened(open_depot, machine) as depot:
        await sync(depot, "machine")

        assert parts(depot) == "other"


@pytest.mark.parametrize("mirror", [True, False])
@pytest.mark.parametrize(("on_error", "left"), [("skip", "dnew enew"), ("keep", "anew bnew cold dnew enew")])
async def test_the_predecessor_of_what_failed_is_there_where_it_is_kept(
    open_depot: OpenDepot, machine: Machine, *, mirror: bool, on_error: str, left: str
) -> None:
    """Then it meets the needs of others; where upstream is not mirrored, it stays anyway."""
    machine.state = "old"
    with opened(open_depot, machine, on_error=on_error, mirror=mirror) as depot:
        await sync(depot, "machine")
        machine.state, machine.bad = "new", {"c"}

        await sync(depot, "machine")

        assert parts(depot) == (left if mirror else "anew bnew cold dnew enew")


@pytest.mark.parametrize("evict", [True, False])
async def test_a_refused_successor_leaves_its_predecessor_to_others_unless_it_is_evicted(
    open_depot: OpenDepot, machine: Machine, *, evict: bool
) -> None:
    """Where upstream is not mirrored, what stands under a key is what is needed."""
    machine.state = "old"
    with opened(open_depot, machine) as depot:
        await sync(depot, "machine")
        machine.state, machine.banned, machine.evict = "new", {"c"}, evict

        await sync(depot, "machine")

        assert parts(depot) == ("dnew enew" if evict else "anew bnew cold dnew enew")


async def test_a_need_is_met_by_what_an_earlier_sync_brought(open_depot: OpenDepot, machine: Machine) -> None:
    """Where upstream is not mirrored, it is there though nobody declares it any more."""
    with opened(open_depot, machine) as depot:
        await sync(depot, "machine")
        machine.parts = {"new": "a"}

        await sync(depot, "machine")

        assert parts(depot) == "a b c d e new"


async def test_trying_again_what_failed_tries_what_fell_with_it(open_depot: OpenDepot, machine: Machine) -> None:
    """Else the one would be there, and what needs it would not, until somebody syncs."""
    machine.bad = {"d"}
    with opened(open_depot, machine, mirror=True) as depot:
        await sync(depot, "machine")
        machine.bad = set()
        machine.origin.requests.clear()

        again = await retry_failed(depot, "machine")

        assert again is not None
        assert (again.failed, again.refused, parts(depot)) == (0, 0, "a b c d e")
        assert [request.path for request in machine.origin.requests] == ["/d."]


async def test_of_a_long_chain_of_long_names_a_bounded_part_is_told(open_depot: OpenDepot, machine: Machine) -> None:
    """And nothing that a terminal would obey; every one of them falls."""
    names = [f"{number:03}-\x9b31m\u202e" + "long" * 200 for number in range(100)]
    machine.parts = dict(zip(names, [*names[1:], "nowhere"], strict=True))
    with opened(open_depot, machine) as depot:
        outcome = await sync(depot, "machine")
        reasons = told(depot).values()

    assert (outcome.refused, outcome.added) == (100, 0)
    assert max(map(len, reasons)) < 4000
    assert all(reason.isprintable() and reason.endswith('"nowhere"], which is not there') for reason in reasons)
    assert sum("needs (93 more) needs" in reason for reason in reasons) == 1

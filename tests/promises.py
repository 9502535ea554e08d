"""The promises and the faults, each with the tests that name it; writes their page.

python tests/promises.py
"""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Literal

import attrs
import cattrs

from marked_tests import Marked, marked_tests
from source_tree import ROOT

DATA = ROOT / "docs" / "promises.toml"
PAGE = ROOT / "docs" / "promises.md"

_HEAD = """\
# What is promised, and what proves it

This page is written by `python tests/promises.py` from `docs/promises.toml` and from what the tests say of themselves:
`@pytest.mark.promise("P04")` proves a promise, `@pytest.mark.fault("A07")` injects a fault. The suite fails when a
promise that is said to hold has no test, and when this page is not current. How it is done is told in
[What survives what](explanation/what-survives.md).

Run what proves one promise, or injects one fault, by the files that are named with it. Tests that roll dice print their
seed and the command that repeats them; `ENTREPOT_TEST_SEED` gives another seed to all of them.
"""


@attrs.frozen(kw_only=True)
class Promise:
    """What is promised, and whether it holds."""

    says: str
    state: Literal["holds", "in part", "not yet"]
    missing: str = ""


@attrs.frozen(kw_only=True)
class Fault:
    """What goes wrong, and why no test lets it, where none does."""

    says: str
    awaits: str = ""


@attrs.frozen(kw_only=True)
class Part:
    """Promises about one thing."""

    name: str
    promises: Mapping[str, Promise]


@attrs.frozen(kw_only=True)
class Group:
    """Faults of one kind, with a letter for their ids."""

    letter: str
    name: str
    faults: Mapping[str, Fault]


@attrs.frozen(kw_only=True)
class Told:
    """All that `docs/promises.toml` says."""

    parts: tuple[Part, ...]
    groups: tuple[Group, ...]

    @property
    def promises(self) -> dict[str, Promise]:
        """Every promise by its id."""
        return {id_: promise for part in self.parts for id_, promise in part.promises.items()}

    @property
    def faults(self) -> dict[str, Fault]:
        """Every fault by its id."""
        return {id_: fault for group in self.groups for id_, fault in group.faults.items()}


def told() -> Told:
    """Read the file; a key that means nothing is an error."""
    raw = tomllib.loads(DATA.read_text(encoding="utf-8"))
    return cattrs.Converter(forbid_extra_keys=True).structure(raw, Told)


def by_id(marks: Iterable[Marked]) -> dict[str, list[Marked]]:
    """Sort tests under the ids that they carry."""
    found: dict[str, list[Marked]] = defaultdict(list)
    for mark in marks:
        found[mark.id].append(mark)
    return found


def page() -> str:
    """The page as it should be."""
    tests, data = by_id(marked_tests()), told()
    lines = [_HEAD, _count(data, tests)]
    for part in data.parts:
        lines.append(f"\n## {part.name}\n")
        for id_, promise in part.promises.items():
            lines += _promise(id_, promise, tests.get(id_, []))
    for group in data.groups:
        lines += [
            f"\n## Faults {group.letter}: {group.name.lower()}\n",
            "| id | what goes wrong | tests |",
            "|---|---|---|",
        ]
        lines += [
            f"| {id_} | {fault.says} | {_cell(fault, tests.get(id_, []))} |" for id_, fault in group.faults.items()
        ]
    return "\n".join(lines) + "\n"


def _count(data: Told, tests: Mapping[str, list[Marked]]) -> str:
    states = [promise.state for promise in data.promises.values()]
    injected = sum(id_ in tests for id_ in data.faults)
    return (
        f"Of {len(states)} promises {states.count('holds')} hold, {states.count('in part')} hold in part and"
        f" {states.count('not yet')} do not hold yet. Of {len(data.faults)} faults {injected} are injected by tests."
    )


def _promise(id_: str, promise: Promise, tests: list[Marked]) -> list[str]:
    state = {"holds": "", "in part": " *Holds in part.*", "not yet": " *Does not hold yet.*"}[promise.state]
    said = f"**{id_}** {promise.says}{state} {promise.missing}".rstrip()
    return [said, "", *(f"- {place}: {sentences}" for place, sentences in _by_file(tests)), ""]


def _cell(fault: Fault, tests: list[Marked]) -> str:
    if not tests:
        return f"*none: awaits {fault.awaits}*"
    return "<br>".join(f"{place}: {sentences}" for place, sentences in _by_file(tests))


def _by_file(tests: list[Marked]) -> list[tuple[str, str]]:
    places: dict[str, list[str]] = defaultdict(list)
    for test in tests:
        places[test.place].append(test.sentence)
    return [(f"`{place}`", "; ".join(sentences)) for place, sentences in sorted(places.items())]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")

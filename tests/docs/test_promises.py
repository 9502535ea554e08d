"""Every promise has its proof, every mark means something, and the page says what is so."""

from __future__ import annotations

import pytest

import promises
from marked_tests import Marked, marked_tests, marks_of
from source_tree import ROOT, Module

GROUPS_THAT_ARE_INJECTED = "ABCD"


def ids_with_tests(kind: str) -> set[str]:
    """The ids that some test carries."""
    return {mark.id for mark in marked_tests() if mark.kind == kind}


@pytest.mark.promise("P39")
def test_every_promise_that_is_said_to_hold_has_a_test() -> None:
    """Also one that holds in part: the part that does."""
    proved = ids_with_tests("promise")
    said = {id_ for id_, promise in promises.told().promises.items() if promise.state != "not yet"}

    assert said
    assert sorted(said - proved) == []


@pytest.mark.promise("P39")
def test_a_promise_that_does_not_hold_yet_says_what_is_missing() -> None:
    """And one that holds misses nothing."""
    told = promises.told().promises

    assert len(told) == 40
    assert [id_ for id_, promise in told.items() if bool(promise.missing) != (promise.state != "holds")] == []


@pytest.mark.promise("P39")
def test_a_fault_is_injected_or_says_what_it_awaits() -> None:
    """Never both: a reason that is over would be believed."""
    injected = ids_with_tests("fault")
    told = {id_: fault for id_, fault in promises.told().faults.items() if id_[0] in GROUPS_THAT_ARE_INJECTED}

    assert sorted(id_ for id_, fault in told.items() if id_ not in injected and not fault.awaits) == []
    assert sorted(id_ for id_, fault in told.items() if id_ in injected and fault.awaits) == []


@pytest.mark.promise("P39")
def test_every_mark_names_a_promise_or_a_fault_that_there_is() -> None:
    """A misspelt id would prove nothing."""
    told = promises.told()
    known = {"promise": told.promises.keys(), "fault": told.faults.keys()}

    assert [mark for mark in marked_tests() if mark.id not in known[mark.kind]] == []


def test_an_id_says_its_group() -> None:
    """The letter of an id is that of the table it stands in."""
    assert [id_ for group in promises.told().groups for id_ in group.faults if id_[0] != group.letter] == []


@pytest.mark.promise("P39")
def test_the_page_of_promises_is_current() -> None:
    """What it says is what the tests say; `python tests/promises.py` writes it."""
    assert promises.PAGE.read_text(encoding="utf-8") == promises.page(), "write it with: python tests/promises.py"


SOURCE = """
pytestmark = pytest.mark.promise("P01")
CASES = [pytest.param(1, marks=pytest.mark.fault("A01")), pytest.param(2, marks=[pytest.mark.fault("A02", "A03")])]


@pytest.mark.fault("B01")
class TestAll:
    @pytest.mark.parametrize("case", CASES)
    async def test_one(self, case): ...

    def helper(self): ...


@pytest.mark.parametrize("n", [1, pytest.param(2, marks=pytest.mark.fault("C01"))])
def test_two(n): ...
"""


def test_marks_are_found_wherever_pytest_takes_them() -> None:
    """On a module, a class, a test, a case, and in a table of cases that stands by itself."""
    module = Module(ROOT / "tests" / "made_up.py", "made_up")
    object.__setattr__(module, "text", SOURCE)

    found = {(mark.test, mark.id) for mark in marks_of(module)}

    assert found == {
        *(("test_one", id_) for id_ in ("P01", "A01", "A02", "A03", "B01")),
        *(("test_two", id_) for id_ in ("P01", "C01")),
    }


def test_a_mark_reads_as_a_sentence() -> None:
    """The page is read by people."""
    assert Marked("fault", "A01", "tests/x.py", "test_it_is_so").sentence == "it is so"

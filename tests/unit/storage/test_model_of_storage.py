"""A storage of any history holds what a dictionary of the same history would."""

from __future__ import annotations

import os
import random
from contextlib import closing, suppress
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from entrepot.errors import DigestMismatch
from entrepot.model.artifact import Artifact
from entrepot.storage.filesystem import FilesystemStorage
from entrepot.testing.storage_contract import body_of, expected, keep, received, sha256_of
from unit.storage.pulled_plug import ForgetfulDisk, PulledPlug

BODIES = [body_of(size) for size in (0, 1, 4096, 65_536, 65_537, 200_000)]
some_body = st.integers(0, len(BODIES) - 1)


NO_END = 10**9


class FilesystemHistory(RuleBasedStateMachine):
    """Keeps, damages, removes, crashes and opens again; `model` is what must be there."""

    root: Path

    @initialize()
    def begin(self) -> None:
        self.model: set[bytes] = set()
        self.damaged: set[bytes] = set()
        self.storage = FilesystemStorage(self.root, disk=ForgetfulDisk(NO_END))

    def teardown(self) -> None:
        for body in BODIES:
            self.storage.remove(sha256_of(body))
        self.storage.close()

    @rule(places=st.lists(some_body, max_size=4))
    def put(self, places: list[int]) -> None:
        bodies = [BODIES[place] for place in places]
        kept = keep(self.storage, *bodies)

        found = [one.recheck is not None for one in kept]
        assert found == [body in self.model - self.damaged for body in bodies]
        self.model |= set(bodies)
        self.damaged -= set(bodies)

    @rule(place=some_body)
    def put_wrong(self, place: int) -> None:
        body = BODIES[place]
        with pytest.raises(DigestMismatch):
            received(self.storage, body + b"x", Artifact(sha256=sha256_of(body).hex()))

    @rule(place=some_body)
    def put_and_discard(self, place: int) -> None:
        body = BODIES[place]
        received(self.storage, body, expected(body)).discard()

    @rule(place=some_body)
    def remove(self, place: int) -> None:
        body = BODIES[place]
        self.storage.remove(sha256_of(body))
        self.model.discard(body)
        self.damaged.discard(body)

    @rule(place=some_body, wrong=st.binary(max_size=10))
    def damage(self, place: int, wrong: bytes) -> None:
        body = BODIES[place]
        path = self.storage.path(sha256_of(body))
        if path is not None and wrong != body:
            path.unlink()
            path.write_bytes(wrong)
            self.damaged.add(body)

    @rule(places=st.sets(some_body, min_size=1, max_size=4), last=st.integers(1, 40))
    def crash_while_putting(self, places: set[int], last: int) -> None:
        bodies = [BODIES[place] for place in sorted(places)]
        self.storage.close()
        disk = ForgetfulDisk(last)
        crashing = FilesystemStorage(self.root, disk=disk)
        acknowledged = False
        with suppress(PulledPlug):
            keep(crashing, *bodies)
            acknowledged = True
        with suppress(PulledPlug):
            crashing.close()
        disk.lose_power(random.Random(last))

        self.storage = FilesystemStorage(self.root, disk=ForgetfulDisk(NO_END))
        self.storage.sweep()
        there = {body for body, one in zip(bodies, self._find(bodies), strict=True) if one}
        assert not acknowledged or there == set(bodies)
        self.model |= there
        self.damaged -= there
        self.damaged &= {body for body in BODIES if self.storage.holds(sha256_of(body))}

    @rule()
    def open_again(self) -> None:
        self.storage.close()
        self.storage = FilesystemStorage(self.root, disk=ForgetfulDisk(NO_END))
        self.storage.prepare()
        assert self.storage.sweep() == 0

    @invariant()
    def the_right_bytes_are_there_and_no_others(self) -> None:
        assert self._find(BODIES) == [body in self.model - self.damaged for body in BODIES]

    @invariant()
    def no_temporary_file_is_left(self) -> None:
        assert [name for name in os.listdir(self.root / "tmp") if not name.endswith(".owner")] == []

    def _find(self, bodies: list[bytes]) -> list[bool]:
        return [one is not None for one in self.storage.find([sha256_of(body) for body in bodies])]


@pytest.mark.fault("C04", "C14")
@pytest.mark.promise("P03")
def test_any_history_ends_with_what_a_dictionary_would_hold(tmp_path: Path) -> None:
    """Put, put again, put wrong, damage, remove, lose power, open again: nothing is lost, nothing wrong."""
    with closing(FilesystemStorage(tmp_path)) as storage:
        storage.prepare()

    class HistoryHere(FilesystemHistory):
        root = tmp_path

    run_state_machine_as_test(
        HistoryHere,
        settings=settings(max_examples=40, stateful_step_count=15, deadline=None, derandomize=True, database=None),
    )

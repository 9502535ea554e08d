"""What hypothesis is given is what entrepot takes, or refuses, as its name says."""

from __future__ import annotations

import itertools

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.errors import InvalidPath
from entrepot.model.artifact import Artifact
from entrepot.model.content import Content, key
from entrepot.model.declarative import DeclarativeContent
from entrepot.model.digest import LENGTHS, parse_digest
from entrepot.model.relative_path import relative_path
from entrepot.testing import strategies
from entrepot.testing.strategies import Change, Files

NAMES = ("a", "b", "folder/c", "d")


@attrs.frozen
class Thing(Content):
    TYPE = "test.thing"
    name: str = key()
    size: int | None = None
    tags: tuple[str, ...] = ()


@given(strategies.relative_paths())
def test_good_paths_are_taken_as_they_are(path: str) -> None:
    """Whatever they look like."""
    assert relative_path(path) == path


@given(strategies.bad_paths())
def test_bad_paths_are_refused(path: str) -> None:
    """Every one of them."""
    with pytest.raises(InvalidPath):
        relative_path(path)


@given(st.data())
def test_digests_can_be_read(data: st.DataObject) -> None:
    """For each algorithm, in each of its lengths."""
    algorithm = data.draw(st.sampled_from(sorted(LENGTHS)))

    digest = data.draw(strategies.digests(algorithm))

    assert parse_digest(algorithm, digest).hex == digest


@given(strategies.artifacts(algorithms=("sha256", "md5")))
def test_artifacts_say_what_they_were_made_with(artifact: Artifact) -> None:
    """Digests are none, one or both."""
    assert {digest.algorithm for digest in artifact.digests} <= {"sha256", "md5"}


@given(strategies.contents(Thing, size=st.integers(5, 7)))
def test_a_field_can_be_given(thing: Thing) -> None:
    """The others follow their types."""
    assert thing.size in (5, 6, 7)
    assert isinstance(thing.tags, tuple)


@given(strategies.units(Thing))
def test_units_differ_in_their_keys(units: list[DeclarativeContent]) -> None:
    """And no two have an artifact at the same path."""
    assert len({unit.key for unit in units}) == len(units)
    paths = [artifact.relative_path for unit in units for artifact in unit.d_artifacts]
    assert len(set(paths)) == len(paths)


@given(strategies.histories(NAMES, least=2))
def test_histories_go_one_change_at_a_time(history: list[Files]) -> None:
    """No state is smaller than was asked for."""
    assert all(len(state) >= 2 for state in history)
    for before, after in itertools.pairwise(history):
        differing = [name for name in NAMES if before.get(name) != after.get(name)]
        assert len(differing) <= 1


def test_a_flip_changes_bytes_and_no_size() -> None:
    """That is what makes it hard to see."""
    assert Change("flip", "a").apply({"a": b"ab", "b": b""}) == {"a": b"`b", "b": b""}

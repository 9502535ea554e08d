"""Versions are ordered as dpkg orders them, and what packages need is read as policy writes it."""

from __future__ import annotations

import itertools
import shutil
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.plugin import InvalidMetadata
from entrepot_deb.candidates import Candidate, InOrder, newest
from entrepot_deb.options import DebOptions
from entrepot_deb.relations import Alternative, read_provides, read_relations
from entrepot_deb.selection import select
from entrepot_deb.versions import version_key

versions = st.builds(
    lambda epoch, upstream, revision: f"{epoch}{upstream}{revision}",
    st.sampled_from(["", "0:", "1:", "2:"]),
    st.text("019az~+.", min_size=1, max_size=6).map(lambda text: f"1{text}"),
    st.one_of(st.just(""), st.text("01a~+.", min_size=1, max_size=4).map(lambda text: f"-{text}")),
)

ORDERED = [
    "1~~",
    "1~~a",
    "1~",
    "1",
    "1+b1",
    "1.0~rc1-1",
    "1.0-1~bpo1",
    "1.0-1",
    "1.0-1+deb12u1",
    "1.0-1.1",
    "1.0-10",
    "1.0a-1",
    "1.0+dfsg-1",
    "1.0.1-1",
    "1.10",
    "0:2",
    "1:0.1",
    f"1:{'9' * 5000}",
]


def test_versions_of_all_shapes_stand_in_order() -> None:
    """Each is less than all that come after it."""
    for one, two in itertools.combinations(ORDERED, 2):
        assert version_key(one) < version_key(two), (one, two)


@pytest.mark.parametrize(("one", "two"), [("1", "0:1"), ("1.0", "1.00"), ("1-0", "1"), ("1.0-", "1.0"), ("1a", "1a0")])
def test_versions_that_are_spelt_differently_are_equal(one: str, two: str) -> None:
    """An epoch, a revision or digits that are not there are nought."""
    assert version_key(one) == version_key(two)


@given(st.lists(versions, min_size=3, max_size=3))
def test_the_order_is_total(three: list[str]) -> None:
    """Whatever is written can be sorted, and in one way."""
    keys = sorted(map(version_key, three))

    assert keys[0] <= keys[1] <= keys[2]
    assert keys == sorted(map(version_key, reversed(three)))


@pytest.mark.clients
@settings(deadline=None, max_examples=30)
@given(st.lists(versions, min_size=30, max_size=30))
def test_dpkg_says_the_same(some: list[str]) -> None:
    """Of versions that are hard to order."""
    dpkg = shutil.which("dpkg")
    if dpkg is None:
        pytest.skip("dpkg is not here: it comes with Debian")
    for one, two in itertools.pairwise(some):
        ours = "lt" if version_key(one) < version_key(two) else "eq" if version_key(one) == version_key(two) else "gt"

        assert subprocess.run([dpkg, "--compare-versions", one, ours, two], check=False).returncode == 0, (one, two)


def test_relations_are_read_as_policy_writes_them() -> None:
    """Alternatives, versions in old and new spelling, architectures; what was settled at build time is passed over."""
    text = "a (>= 1:2.0~), b:any | c:i386 (<<3) | d [linux-any] <!nocheck> <x y>,\n e( = 1 ) , f (> 2), "

    assert read_relations(text) == [
        (Alternative("a", None, ">=", "1:2.0~"),),
        (Alternative("b"), Alternative("c", "i386", "<<", "3"), Alternative("d")),
        (Alternative("e", None, "=", "1"),),
        (Alternative("f", None, ">", "2"),),
    ]
    assert read_provides("a, b (= 2), c (>= 1)") == [("a", None), ("b", "2"), ("c", None)]


@pytest.mark.parametrize(
    ("operator", "admitted"),
    [("<<", "1"), ("<=", "12"), ("<", "12"), ("=", "2"), (">=", "23"), (">", "23"), (">>", "3")],
)
def test_each_operator_means_what_dpkg_takes_it_for(operator: str, admitted: str) -> None:
    """The two old ones are not strict."""
    alternative = Alternative("a", None, operator, "2")

    assert "".join(each for each in "123" if alternative.admits(each)) == admitted
    assert "123"[alternative.among([version_key(each) for each in "123"])] == admitted


@pytest.mark.fault("B12")
def test_many_versions_that_are_needed_in_as_many_ways_take_no_time() -> None:
    """Each is found in their order: to look at all of them for each need would take hours."""
    count = 5000
    needs = ", ".join(f"lib (= {at})" for at in range(count))
    packages = [_candidate(at, "lib", str(at), f"lib (>= {count - 1})") for at in range(count)]

    found = select(
        [*packages, _candidate(count, "app", "1", needs)],
        DebOptions(suites=["stable"], packages=["app"], dependencies=True, publish="signed"),
    )

    assert len(found.chosen) == count + 1
    assert not found.unmet


@pytest.mark.parametrize(("count", "versions"), [(None, "123"), (1, "3"), (2, "23"), (9, "123")])
def test_the_newest_are_the_last_of_those_that_are_admitted(count: int | None, versions: str) -> None:
    """Whatever order they are listed in, and however often."""
    listed = [_candidate(at, "lib", version, "") for at, version in enumerate("23411")]

    found = InOrder.of(listed).meeting(Alternative("lib", None, "<<", "4"), count)

    assert sorted({each.version for each in found}) == list(versions)


def test_of_versions_that_are_equal_it_is_always_the_same_one() -> None:
    """However they are written, and in whatever order they are listed."""
    versions = [f"1.{'0' * zeros}1" for zeros in range(8)]
    for listed in (versions, versions[::-1]):
        packages = [_candidate(at, "lib", version, "") for at, version in enumerate(listed)]

        (found,) = InOrder.of(packages).meeting(Alternative("lib"), 1)
        (kept,), oldest = newest(packages, 1)

        assert found.version == kept.version == oldest == max(versions)


def _candidate(at: int, name: str, version: str, needs: str) -> Candidate:
    return Candidate(
        suite="stable",
        component="main",
        architecture="amd64",
        at=at,
        name=name,
        version=version,
        section="",
        priority="",
        source=(name, version),
        needs=[needs],
        recommends="",
        provides="",
    )


def test_what_is_provided_without_a_version_meets_no_version() -> None:
    """Policy 7.5."""
    assert Alternative("a").admits_provided(None)
    assert not Alternative("a", None, ">=", "1").admits_provided(None)
    assert Alternative("a", None, ">=", "1").admits_provided("1")


@given(st.text("ab1 ,|(<>=):[]!~.\n", max_size=60))
def test_whatever_is_written_is_read_or_refused(text: str) -> None:
    """By our own error; what was read means the same when it is written again."""
    try:
        groups = read_relations(text)
    except InvalidMetadata:
        return
    for group in groups:
        for each in group:
            named = f"{each.name}:{each.architecture}" if each.architecture else each.name
            again = str(each).replace(each.name, named, 1)
            assert read_relations(again) == [(each,)]


@pytest.mark.parametrize("text", ["a |", "a (2)", "a (>= 1", "a b", "-a", "a | | b", "ä", ",".join(["a"] * 30_000)])
def test_what_is_no_relation_is_refused(text: str) -> None:
    """Rather than half read."""
    with pytest.raises(InvalidMetadata, match="what a package needs cannot be read"):
        read_relations(text)

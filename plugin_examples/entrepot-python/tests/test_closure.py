"""A closure holds what its definition says, in whatever order things are learnt; and reading what is needed is safe."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from entrepot.plugin import ConfigurationError, InvalidMetadata
from entrepot_python.closure import Closure
from entrepot_python.core_metadata import read_requirements
from entrepot_python.environments import environments, holds
from entrepot_python.targets import parse_targets


def closure(platforms: tuple[str, ...] = ("manylinux_2_28_x86_64",)) -> Closure:
    """One that knows nothing yet, for CPython 3.11."""
    return Closure(environments(parse_targets(("3.11",), platforms), platforms))


names = st.sampled_from(["a", "b", "c", "d", "e"])
lines = st.builds(
    lambda name, extra, version, marker: f"{name}{extra}{version}{marker}",
    names,
    st.sampled_from(["", "[x]", "[y,x]", "[Z_1]"]),
    st.sampled_from(["", ">=1", "<3,>=1", "==2"]),
    st.sampled_from(
        ["", '; extra == "x"', '; extra == "z-1"', '; sys_platform == "win32"', '; extra == "y" and os_name == "posix"']
    ),
)
worlds = st.dictionaries(names, st.lists(lines, max_size=4), max_size=5)


def defined(world: dict[str, list[str]], asked: list[str]) -> dict[str, tuple[set[str], set[str]]]:
    """The closure by its definition: take everything that is wanted, again and again, until nothing is new."""
    where = environments(parse_targets(("3.11",), ("manylinux_2_28_x86_64",)), ("manylinux_2_28_x86_64",))
    wanted: dict[str, tuple[set[str], set[str]]] = {name: ({""}, set()) for name in asked}
    while True:
        before = str(sorted((name, sorted(one), sorted(two)) for name, (one, two) in wanted.items()))
        for name, (_, extras) in list(wanted.items()):
            for requirement in map(Requirement, world.get(name, [])):
                if holds(requirement.marker, extras, where):
                    versions, more = wanted.setdefault(requirement.name, (set(), set()))
                    versions.add(str(requirement.specifier))
                    more |= {canonicalize_name(extra) for extra in requirement.extras}
        if before == str(sorted((name, sorted(one), sorted(two)) for name, (one, two) in wanted.items())):
            return wanted


@given(worlds, st.lists(names, min_size=1, unique=True), st.randoms(use_true_random=False))
def test_the_order_of_learning_does_not_matter(world: dict[str, list[str]], asked: list[str], chance: object) -> None:
    """What is wanted at the end is the least that holds all that is asked for and all that this needs."""
    grown = closure()
    for name in asked:
        grown.ask(canonicalize_name(name), [SpecifierSet()])
    seen: set[str] = set()
    while waiting := grown.take_grown():
        chance.shuffle(waiting)  # type: ignore[attr-defined]  # hypothesis's own Random
        for name in waiting:
            seen.add(name)
            told = world.get(name, [])
            grown.learn(name, f"{name} 1", chance.sample(told, len(told)))  # type: ignore[attr-defined]  # as above

    wanted = defined(world, asked)

    assert {name: set(grown.specifiers(canonicalize_name(name))) for name in seen} == {
        name: versions for name, (versions, _) in wanted.items()
    }
    assert grown.chains().keys() == wanted.keys() - set(asked)


@pytest.mark.parametrize(
    ("marker", "platform", "expected"),
    [
        ('sys_platform == "linux" and platform_machine == "x86_64"', "manylinux_2_28_x86_64", True),
        ('sys_platform == "linux" and platform_machine == "aarch64"', "musllinux_1_2_aarch64", True),
        ('platform_system == "Windows" and platform_machine == "AMD64"', "win_amd64", True),
        ('os_name == "nt" and platform_machine == "x86"', "win32", True),
        ('platform_system == "Darwin" and platform_machine == "x86_64"', "macosx_11_0_universal2", True),
        ('platform_machine == "arm64"', "macosx_11_0_universal2", True),
        ('platform_machine == "x86_64"', "macosx_14_0_arm64", False),
        ('python_full_version < "3.11.3"', "win_amd64", True),
        ('python_full_version >= "3.11.3"', "win_amd64", True),
        ('python_version >= "3.12"', "win_amd64", False),
        ('platform_python_implementation == "PyPy"', "win_amd64", False),
        ('implementation_name == "cpython"', "win_amd64", True),
        ('platform_release >= "20"', "win_amd64", True),
        # Names that lock files alone have (PEP 751), and one that nobody knows.
        ('"a" in extras', "win_amd64", True),
        ('"a" in dependency_groups and os_name == "nt"', "win_amd64", True),
    ],
)
def test_a_marker_holds_where_it_may(marker: str, platform: str, expected: bool) -> None:
    """Of what a target does not tell, such as the patch release, every answer counts."""
    where = environments(parse_targets(("3.11",), (platform,)), (platform,))

    assert holds(Marker(marker), (), where) is expected


def test_a_platform_that_is_a_pattern_is_refused() -> None:
    """Nobody could say what a marker means there."""
    with pytest.raises(ConfigurationError, match="does not say on what dependencies are to run"):
        closure(("macosx_*",))


def test_a_long_chain_of_extras_is_followed() -> None:
    """Each asks for an extra of the next, and all are known before the first is asked for."""
    grown = closure()
    for at in range(5_000):
        grown.learn(canonicalize_name(f"p{at}"), f"p{at} 1", [f'p{at + 1}[x]; extra == "x"'])

    grown.ask(canonicalize_name("p0"), [SpecifierSet()], ["x"])

    assert len(grown.take_grown()) == 5_001


def test_extras_that_ask_for_each_other_are_followed() -> None:
    """Each line applies last, and the first asks for the last again: lines are tried with new extras alone."""
    grown = closure()
    lines = [f'p[x{(at + 1) % 200}]; extra == "x{at}"' for at in reversed(range(200))]
    grown.ask(canonicalize_name("p"), [SpecifierSet()], ["x0"])

    grown.learn(canonicalize_name("p"), "p 1", [*lines, 'q; extra == "x199"'])

    assert canonicalize_name("q") in grown.take_grown()


def test_a_long_chain_of_projects_is_told_cut() -> None:
    """Of each its beginning and its end, in memory that does not grow with the square of its length."""
    grown = closure()
    grown.ask(canonicalize_name("p0"), [SpecifierSet()])
    for at in range(20_000):
        grown.learn(canonicalize_name(f"p{at}"), f"p{at} 1", [f"p{at + 1}"])

    chains = grown.chains()

    assert len(chains) == 20_000
    assert chains[canonicalize_name("p2")] == "p0 1 needs p1, p1 1 needs p2"
    told = chains[canonicalize_name("p20000")].split(", ")
    assert (told[0], told[6], told[-1]) == ("p0 1 needs p1", "...", "p19999 1 needs p20000")
    assert len(told) == 13


@given(st.binary(max_size=400), st.sampled_from(["a.whl", "a.whl.metadata", "a.tar.gz", "a.zip"]))
def test_what_is_no_metadata_is_refused(body: bytes, path: str) -> None:
    """By our own error, whatever the bytes."""
    try:
        read = read_requirements(path, io.BytesIO(body))
    except InvalidMetadata:
        return
    assert all(isinstance(line, str) for line in read)


@given(st.data())
def test_metadata_that_is_damaged_anywhere_is_read_or_refused(data: st.DataObject) -> None:
    """One byte of an archive is another one."""
    said = b"Metadata-Version: 2.2\nName: a\nVersion: 1\nRequires-Dist: b>=1\n\n"
    packed = io.BytesIO()
    path = data.draw(st.sampled_from(["a-1-py3-none-any.whl", "a-1.tar.gz"]))
    if path.endswith(".whl"):
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a-1.dist-info/METADATA", said)
    else:
        with tarfile.open(fileobj=packed, mode="w:gz") as tar:
            member = tarfile.TarInfo("a-1/PKG-INFO")
            member.size = len(said)
            tar.addfile(member, io.BytesIO(said))
    body = bytearray(packed.getvalue())
    assert read_requirements(path, io.BytesIO(bytes(body))) == ("b>=1",)
    body[data.draw(st.integers(0, len(body) - 1))] ^= data.draw(st.integers(1, 255))

    try:
        read = read_requirements(path, io.BytesIO(bytes(body)))
    except InvalidMetadata:
        return
    assert all(isinstance(line, str) for line in read)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"".join(b"A%d: b\n" % at for at in range(50_000)), "50001 different fields"),
        (b"Content-Type: message/rfc822\n\n" * 3000, "nested too deep"),
    ],
)
def test_metadata_that_would_take_its_reader_without_end_is_refused(body: bytes, told: str) -> None:
    """Every name goes through all fields, and what is a message in a message is read to the bottom."""
    with pytest.raises(InvalidMetadata, match=told):
        read_requirements("a.whl.metadata", io.BytesIO(b"Metadata-Version: 2.2\n" + body))


def test_a_metadata_version_of_any_length_is_no_fault() -> None:
    """Python makes no number of so many digits, and says so by an error of its own."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a-1/PKG-INFO", "Metadata-Version: " + "1" * 5000)

    with pytest.raises(InvalidMetadata, match="only a build tells"):
        read_requirements("a-1.zip", packed)


def test_what_a_member_says_of_itself_has_a_bound() -> None:
    """A sparse file tells its pieces in as many blocks as it likes, which readers gather in memory."""
    said = tarfile.TarInfo("a-1/b")
    said.size = 1000
    said.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "5"}
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=1) as archive:
        archive.write(said.tobuf(tarfile.PAX_FORMAT) + b"9000000000\n" + b"0\n" * (4 * 1024**2))
    packed.seek(0)

    with pytest.raises(InvalidMetadata, match="header of the archive is too large"):
        read_requirements("a-1.tar.gz", packed)


def test_a_bomb_is_not_unpacked() -> None:
    """Neither the metadata of a wheel, nor what stands before that of a source distribution."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a-1.dist-info/METADATA", bytes(16 * 1024**2))

    with pytest.raises(InvalidMetadata, match="within bounds"):
        read_requirements("a-1-py3-none-any.whl", packed)

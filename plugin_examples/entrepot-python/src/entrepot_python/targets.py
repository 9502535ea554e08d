"""Python versions and platforms that files are mirrored for."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from typing import Final

import attrs
from packaging.specifiers import SpecifierSet
from packaging.tags import Tag, compatible_tags, cpython_tags, mac_platforms

from entrepot.plugin import ConfigurationError

_PYTHON: Final = re.compile(r"([23])\.(\d{1,2})(t?)", re.ASCII)
_PLATFORM: Final = re.compile(r"[a-z0-9_*?]+", re.ASCII)
_LIBC: Final = re.compile(r"(manylinux|musllinux)_(\d{1,2})_(\d{1,3})_(\w+)", re.ASCII)
_MAC: Final = re.compile(r"macosx_(\d{1,2})_(\d{1,2})_(\w+)", re.ASCII)

#: From which glibc on a machine takes wheels under these names, which are older than numbered ones.
_LEGACY: Final = {"manylinux1": 5, "manylinux2010": 12, "manylinux2014": 17}

#: Until this version the name of an ABI said how Python was built.
_PLAIN_ABI: Final = (3, 8)

#: No series of Python had more releases: one of them must satisfy what a file requires.
RELEASES: Final = 40


@attrs.frozen
class Python:
    """A series of CPython, such as 3.11, and what it runs: interpreter and ABI of wheels' tags."""

    text: str
    series: str
    runs: frozenset[tuple[str, str]]

    def satisfies(self, requires: SpecifierSet) -> bool:
        """Whether some release of the series does."""
        return any(requires.contains(f"{self.series}.{patch}") for patch in range(RELEASES))


@attrs.frozen
class Targets:
    """What files are to run on; all do where nothing is named.

    `each_platform` has for each platform that was named what runs there, `platforms` all of it.
    """

    pythons: tuple[Python, ...]
    each_platform: tuple[tuple[str, ...], ...]

    @property
    def platforms(self) -> Iterator[str]:
        """What runs on one of the platforms."""
        return itertools.chain.from_iterable(self.each_platform)

    def each(self) -> Iterator[Targets]:
        """Each Python on each platform."""
        for python, platform in itertools.product(self.pythons, self.each_platform):
            yield Targets((python,), (platform,))

    def for_python(self, tags: Iterable[Tag]) -> list[Tag]:
        """The tags of a wheel that one of the Pythons runs, on whatever platform."""
        return [tag for tag in tags if any((tag.interpreter, tag.abi) in python.runs for python in self.pythons)]

    def for_platform(self, tags: Iterable[Tag]) -> bool:
        """Whether one of the tags is for one of the platforms, or for any."""
        return any(tag.platform == "any" or self._has(tag.platform) for tag in tags)

    def satisfy(self, requires_python: str | None) -> bool:
        """Whether one of the Pythons is what a file requires; what nobody can read requires nothing."""
        try:
            requires = SpecifierSet(requires_python or "")
            return not requires or any(python.satisfies(requires) for python in self.pythons)
        except ValueError:  # no specifier, or one of more digits than Python turns into a number
            return True

    def _has(self, platform: str) -> bool:
        return any(fnmatchcase(platform, pattern) for pattern in self.platforms)


def parse_targets(python_versions: Iterable[str], platforms: Iterable[str]) -> Targets:
    """Read the options of that name; what is wrong with them is a `ConfigurationError`."""
    return Targets(tuple(map(_python, python_versions)), tuple(tuple(_expanded(written)) for written in platforms))


def _python(text: str) -> Python:
    found = _PYTHON.fullmatch(text)
    if found is None:
        raise ConfigurationError(
            f"{text!r} in the option python_versions is no series of CPython",
            remedy='python_versions = ["3.11", "3.12"], or "3.13t" for free threading',
        )
    version, plain = (int(found[1]), int(found[2])), f"cp{found[1]}{found[2]}"
    builds = ("", "m", "mu") if version < _PLAIN_ABI else (found[3],)
    run = list(cpython_tags(version, [plain + build for build in builds], ["any"]))
    run += compatible_tags(version, plain, ["any"])
    return Python(text, f"{found[1]}.{found[2]}", frozenset((tag.interpreter, tag.abi) for tag in run))


def _expanded(written: str) -> Iterator[str]:
    """A platform, and every older one whose wheels run on it."""
    if not _PLATFORM.fullmatch(written):
        raise ConfigurationError(
            f"{written!r} in the option platforms is not how wheels name a platform",
            remedy='platforms = ["manylinux_2_28_x86_64", "win_amd64", "macosx_14_0_arm64"]',
        )
    yield written
    if (found := _LIBC.fullmatch(written)) is not None:
        libc, major, minor, machine = found[1], found[2], int(found[3]), found[4]
        yield f"linux_{machine}"
        yield from (f"{libc}_{major}_{older}_{machine}" for older in range(minor))
        if (libc, major) == ("manylinux", "2"):
            yield from (f"{name}_{machine}" for name, needed in _LEGACY.items() if minor >= needed)
    elif (found := _MAC.fullmatch(written)) is not None:
        yield from mac_platforms((int(found[1]), int(found[2])), found[3])

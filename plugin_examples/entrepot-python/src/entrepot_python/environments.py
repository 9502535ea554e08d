"""Where packages are to be installed, as the markers of their requirements see it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, TypeAlias

from packaging.markers import Marker

from entrepot.plugin import ConfigurationError
from entrepot_python.targets import RELEASES, Targets

#: What a marker can ask for (PEP 508), but for extras.
Environment: TypeAlias = Mapping[str, str]

_PLATFORM: Final = re.compile(
    r"(?P<linux>(many|musl)linux_\d+_\d+|manylinux\d+|linux)_(?P<machine>\w+)"
    r"|macosx_\d+_\d+_(?P<mac>\w+)|win_(?P<win>amd64|arm64)|(?P<win32>win32)",
    re.ASCII,
)

#: What a marker can ask for and no target tells: which system it is exactly.
_UNKNOWN: Final = ("platform_release", "platform_version")

_MAC_MACHINES: Final = {"universal2": ("arm64", "x86_64"), "intel": ("x86_64",)}


def environments(targets: Targets, platforms: Iterable[str]) -> tuple[Environment, ...]:
    """Every Python on every platform.

    Of each series the first and the last release that there may be, as nobody says which is used: a
    marker on `python_full_version` holds where it holds for one of them. A platform that is a
    pattern, or none that we know, is a `ConfigurationError`.
    """
    machines = [machine for platform in platforms for machine in _machines(platform)]
    return tuple(
        {**machine, **_python(python.series, patch)}
        for python in targets.pythons
        for machine in machines
        for patch in (0, RELEASES - 1)
    )


def holds(marker: Marker | None, extras: Iterable[str], among: Iterable[Environment]) -> bool:
    """Whether a marker holds in one environment, with one of the extras or none.

    One that cannot be decided, as it compares what nobody knows of a target, is taken to hold: what
    is mirrored in vain does no harm.
    """
    return marker is None or any(
        _holds(marker, {**where, "extra": extra}) for where in among for extra in ("", *extras)
    )


def _holds(marker: Marker, environment: dict[str, str]) -> bool:
    try:
        if any(name in str(marker) for name in _UNKNOWN):
            return True
        return marker.evaluate(environment)
    # Of packaging: a comparison that means nothing, a version that is none, a name that lock files alone have.
    except (ValueError, LookupError, RecursionError):
        return True


def _python(series: str, patch: int) -> dict[str, str]:
    full = f"{series}.{patch}"
    return {
        "python_version": series,
        "python_full_version": full,
        "implementation_name": "cpython",
        "implementation_version": full,
        "platform_python_implementation": "CPython",
    }


def _machines(platform: str) -> Iterator[dict[str, str]]:
    found = _PLATFORM.fullmatch(platform)
    if found is None:
        raise ConfigurationError(
            f"{platform!r} in the option platforms does not say on what dependencies are to run",
            remedy='with dependencies = true, write platforms whole: "manylinux_2_28_x86_64", "win_amd64"',
        )
    if found["linux"]:
        yield _machine("posix", "linux", "Linux", found["machine"])
    elif found["mac"]:
        for machine in _MAC_MACHINES.get(found["mac"], (found["mac"],)):
            yield _machine("posix", "darwin", "Darwin", machine)
    else:
        yield _machine("nt", "win32", "Windows", found["win"].upper() if found["win"] else "x86")


def _machine(os_name: str, sys_platform: str, system: str, machine: str) -> dict[str, str]:
    return {
        "os_name": os_name,
        "sys_platform": sys_platform,
        "platform_system": system,
        "platform_machine": machine,
    }

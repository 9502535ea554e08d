"""Finding plugins among the installed distributions, without importing them."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable

import attrs
import importlib_metadata
from importlib_metadata import EntryPoint

from entrepot.hooks.record import BUILTIN, PluginRecord
from entrepot.hooks.specs import GROUP

#: A requirement of this very distribution that says more than its name, and one that no install asks for by itself.
_ASKS = re.compile(rf"{GROUP}(?![\w.-])(?!\s*$)", re.IGNORECASE)
_FOR_AN_EXTRA = re.compile(r";\s*extra\s*==\s*(['\"])[^'\"]*\1\s*$")


@attrs.frozen
class Candidate:
    """A plugin that may be imported: who brings it, and how to get it."""

    name: str
    load: Callable[[], object] = attrs.field(repr=False)
    version: str = ""
    distribution: str = ""

    def record(self, *, reason: str = "", blocked: bool = False) -> PluginRecord:
        """Write down why it takes no part."""
        return PluginRecord(
            self.name, self.version, self.distribution, state="blocked" if blocked else "broken", reason=reason
        )


def discover(blocked: Collection[str], core_version: str | None) -> tuple[list[Candidate], list[PluginRecord]]:
    """List the plugins to import, in order of name, and those that are not to be, with the reason.

    A blocked one, by its own name or its distribution's, is not imported. Neither is one whose name
    is taken twice: which of the two came first would depend on the order of installation. Nor one
    whose distribution asks for another version of entrepot than `core_version`.
    """
    found: dict[str, list[tuple[Candidate, EntryPoint]]] = {}
    for point in importlib_metadata.entry_points(group=GROUP):
        found.setdefault(point.name, []).append((_candidate(point), point))
    wanted, left_out = [], []
    for name, claims in sorted(found.items()):
        candidate, point = min(claims, key=lambda claim: claim[0].distribution)
        if name in blocked or candidate.distribution in blocked:
            left_out.append(candidate.record(reason="blocked", blocked=True))
        elif reason := _taken(name, [claim for claim, _ in claims]) or _unfit(point, core_version):
            left_out.append(candidate.record(reason=reason))
        else:
            wanted.append(candidate)
    return wanted, left_out


def installed_version() -> str | None:
    """The version of entrepot that is installed; None when it runs from a folder."""
    try:
        return importlib_metadata.version("entrepot")
    except importlib_metadata.PackageNotFoundError:
        return None


def _candidate(point: EntryPoint) -> Candidate:
    if point.dist is None:
        return Candidate(point.name, point.load)
    return Candidate(point.name, point.load, point.dist.version, point.dist.name)


def _taken(name: str, claims: list[Candidate]) -> str:
    if name == BUILTIN:
        return f"the name {BUILTIN!r} is what core ships under"
    if len(claims) == 1:
        return ""
    who = " and ".join(sorted(f"{claim.distribution or 'unknown'} {claim.version}".strip() for claim in claims))
    return f"two plugins are named {name!r}, in {who}; uninstall one of them"


def _unfit(point: EntryPoint, core_version: str | None) -> str:
    lines = (point.dist.requires or []) if point.dist is not None else []
    named = [line for line in lines if _ASKS.match(line) and not _FOR_AN_EXTRA.search(line)]
    if core_version is None or not named:
        return ""
    return _unmet(named, core_version)


def _unmet(lines: Iterable[str], core_version: str) -> str:
    from packaging.requirements import InvalidRequirement, Requirement  # noqa: PLC0415  # slow, and few plugins need it
    from packaging.utils import canonicalize_name  # noqa: PLC0415  # slow, and few plugins need it

    for line in lines:
        try:
            asked = Requirement(line)
        except InvalidRequirement:
            return f"its requirement {line!r} cannot be read"
        applies = canonicalize_name(asked.name) == GROUP and (asked.marker is None or asked.marker.evaluate())
        if applies and not asked.specifier.contains(core_version, prereleases=True):
            return f"it asks for entrepot{asked.specifier}, and this is entrepot {core_version}"
    return ""

"""What must be true of a depot whatever happened to it, checked at the end of any test.

>>> seen = snapshot(opened)
>>> ...  # a sync, a crash, a prune
>>> check_depot(opened, origin=origin, before=seen)
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from typing import Protocol
from urllib.parse import unquote, urlsplit

import attrs

from entrepot.depot import Depot
from entrepot.testing.leftovers import leftovers
from entrepot.testing.references import broken_references

__all__ = ["Snapshot", "check_depot", "snapshot"]

_PAGE = 1000
_ASKED_FOR = 200


class Asked(Protocol):
    """One request that an upstream saw."""

    @property
    def path(self) -> str: ...


class RequestLog(Protocol):
    """An upstream that remembers its requests; `BadOrigin` is one."""

    @property
    def requests(self) -> Sequence[Asked]: ...
    def url(self, path: str = "/") -> str: ...


@attrs.frozen
class _Seen:
    """Digests of what one version says: of its members, and of what was published for it."""

    members: str
    published: str


@attrs.frozen
class Snapshot:
    """What every finished version was at one moment."""

    versions: dict[tuple[str, int], _Seen]


def snapshot(depot: Depot) -> Snapshot:
    """Remember what every finished version says, to compare with what it says later."""
    return Snapshot({version: _seen(depot, *version) for version in _versions(depot)})


def check_depot(
    depot: Depot, *, origin: RequestLog | None = None, before: Snapshot | None = None, ended: bool = True
) -> None:
    """Check every invariant of catalog, storage and what is served; tell all that do not hold.

    They are told together, a line each, in one `AssertionError`. With `ended`, no run may be under
    way: leases, notes, temporary files and open files must then be gone. After a kill, or beside a
    run, say `ended=False`; what is visible must be right all the same.
    `origin` is the upstream that everything came from: bytes that it never sent cannot be held.
    `before` is compared with what the same versions say, unless they were pruned.
    """
    broken = [
        *depot.catalog.audit.violations(ended=ended),
        *_stored(depot),
        *_bodies(depot),
        *_foreign(depot),
        *(broken for version in _versions(depot) for broken in _served(depot, *version)),
        *(_unasked(depot, origin) if origin is not None else ()),
        *(_changed(depot, before) if before is not None else ()),
        *(leftovers(depot) if ended else ()),
    ]
    if broken:
        raise AssertionError("\n".join([f"{len(broken)} invariants do not hold:", *broken]))


def _versions(depot: Depot) -> list[tuple[str, int]]:
    reader = depot.catalog.reader
    return [(row.name, version.number) for row in reader.repositories() for version in reader.versions(row.name)]


def _stored(depot: Depot) -> Iterator[str]:
    """Every row's file is there, with the right bytes."""
    after = b""
    while page := depot.catalog.inventory.artifacts(after=after):
        for sha256, size in page:
            damage = depot.storage.examine(sha256, size)
            if damage is not None:
                yield f"the stored file of sha256:{sha256.hex()} is {damage}"
        after = page[-1].sha256


def _bodies(depot: Depot) -> Iterator[str]:
    """Published bodies in the catalog are those that their digest names."""
    after = b""
    while page := depot.catalog.inventory.bodies(after=after):
        yield from (f"the published body of sha256:{sha256.hex()} is wrong" for sha256, right in page if not right)
        after = page[-1][0]


def _foreign(depot: Depot) -> Iterator[str]:
    """A final name has the bytes that it says, whether a row knows it or not; nothing else stands there."""
    for standing in depot.storage.walk():
        if standing.sha256 is None or standing.kind != "file":
            yield f"the storage has a foreign {standing.kind}: {standing.name}"
            continue
        with depot.storage.open(standing.sha256) as file:
            size = file.seek(0, os.SEEK_END)
        if depot.storage.examine(standing.sha256, size) is not None:
            yield f"a final name has other bytes: {standing.name}"


def _served(depot: Depot, name: str, number: int) -> Iterator[str]:
    """Paths of a version are held or can be fetched, and pages refer only to such paths.

    Of many paths some hundred are asked for, spread evenly: each is a look-up of its own.
    """
    paths = list(depot.catalog.audit.paths(name, number))
    for path in paths[:: max(1, len(paths) // _ASKED_FOR)]:
        located = depot.catalog.reader.locate(name, number, path)
        if not any(answer.artifact is not None or answer.urls for answer in located):
            yield f"{name}@{number}: {path} is neither held nor known where to be had"
    yield from broken_references(depot, name, number)


def _unasked(depot: Depot, origin: RequestLog) -> Iterator[str]:
    """Bytes all of whose sources lie at an upstream were asked of it, under one of them at least."""
    asked = {unquote(urlsplit(request.path).path) for request in origin.requests}
    ours = origin.url("/")
    sources: dict[bytes, set[str]] = {}
    for digest, noted in depot.catalog.audit.sources():
        sources.setdefault(digest, set()).update(json.loads(noted))
    for digest, urls in sources.items():
        paths = {unquote(urlsplit(url).path) for url in urls}
        if all(url.startswith(ours) for url in urls) and not paths & asked:
            yield f"sha256:{digest.hex()} is held, and was never asked for: {', '.join(sorted(urls))}"


def _changed(depot: Depot, before: Snapshot) -> Iterator[str]:
    """What a version says never changes; it may be pruned as a whole."""
    there = set(_versions(depot))
    for (name, number), seen in before.versions.items():
        if (name, number) not in there:
            pruned = any(latest > number for repository, latest in there if repository == name)
            if not pruned:
                yield f"{name}@{number} was the latest version, and is gone"
            continue
        now = _seen(depot, name, number)
        if now.members != seen.members:
            yield f"{name}@{number} has other members than it had"
        if now.published != seen.published:
            yield f"{name}@{number} has other published files than it had"


def _seen(depot: Depot, name: str, number: int) -> _Seen:
    members, after = hashlib.sha256(), ""
    while page := depot.catalog.reader.members(name, number, after=after, limit=_PAGE):
        for row in page:
            members.update(repr((row.key, row.content, row.type, row.fields)).encode())
        after = page[-1].key
    published = hashlib.sha256(repr(depot.catalog.audit.published(name, number)).encode())
    return _Seen(members.hexdigest(), published.hexdigest())

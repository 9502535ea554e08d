"""Verify: read what storage holds, and compare it with what the catalog says; nothing is changed."""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import attrs

from entrepot.errors import IntegrityError
from entrepot.model.artifact import StoredArtifact
from entrepot.operations.versions import is_synced

if TYPE_CHECKING:
    from entrepot.catalog.inventory import Needed
    from entrepot.depot import Depot
    from entrepot.operations.reference import Reference
    from entrepot.storage.protocol import Damage, Standing

#: Files examined for one question to the catalog, and files read at a time beside the hashing.
_PAGE: Final = 1000
_READERS: Final = 3
_PART: Final = 16

#: Times that what seems damaged is looked at again, beside whoever collects and keeps.
_LOOKS: Final = 2

#: Seconds for which bytes may stand without a row while a run is under way.
_GRACE: Final = 3600.0

_SHA256: Final = 32
_RECORD: Final = _SHA256 + 8


@attrs.frozen
class Damaged:
    """Bytes that a row names, and that are not there as it says.

    `kind` is "body" for a published page that the catalog itself holds.
    """

    kind: Damage | Literal["body"]
    sha256: bytes
    size: int
    repositories: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The line that programs get."""
        repositories = list(self.repositories)
        return {"event": "damaged", "kind": self.kind, "sha256": self.sha256.hex(), "repositories": repositories}


@attrs.frozen
class Foreign:
    """What stands in the storage and no row names; "unclaimed" are right bytes that no version needs."""

    kind: Literal["file", "link", "folder", "other", "unclaimed"]
    path: str

    def to_json(self) -> dict[str, Any]:
        """The line that programs get."""
        return {"event": "foreign", "kind": self.kind, "path": self.path}


@attrs.define
class Verified:
    """How much was looked at, up to the moment; whole once all findings were told.

    `passed_over` are files that a sample left out.
    """

    seed: int
    share: float = 1.0
    checked: int = 0
    octets: int = 0
    passed_over: int = 0
    bodies: int = 0
    damaged: int = 0
    foreign: int = 0
    unclaimed: int = 0

    @property
    def exit_code(self) -> int:
        """0 when all is as it should be; bytes that are merely unclaimed harm nobody."""
        return IntegrityError.exit_code if self.damaged or self.foreign else 0

    def to_json(self) -> dict[str, Any]:
        """The last line that programs get."""
        return {"event": "verified", **attrs.asdict(self)}


Found: TypeAlias = Damaged | Foreign


def unwatched(_: Verified) -> None:
    """Nobody wants to know how far it is."""


@attrs.frozen
class _Watch:
    seen: Verified
    tell: Callable[[Verified], None]


def verify(
    depot: Depot,
    reference: Reference | None = None,
    *,
    seen: Verified,
    progress: Callable[[Verified], None] = unwatched,
    clock: Callable[[], float] = time.time,
) -> Iterator[Found]:
    """Tell what is damaged, then what is foreign; `seen` counts along, `progress` hears of it often.

    All artifacts, and all that stands in the storage; with a reference only what one repository, or
    one of its versions, has. `seen.share` below 1 takes a sample of files by `seen.seed`. Safe beside
    syncs and collection: what seems wrong is looked at again once its row is seen to stand still.
    """
    began, scope = clock(), _scope(depot, reference)
    with ThreadPoolExecutor(_READERS, thread_name_prefix="entrepot-verify") as readers:
        for page in _pages(chain.from_iterable(_artifacts(depot, scope))):
            yield from _examined(depot, _sampled(page, seen), readers, watch=_Watch(seen, progress))
    yield from _bodies(depot, scope, seen)
    if reference is None:
        yield from _foreign(depot, seen, began=began, now=clock)


def _scope(depot: Depot, reference: Reference | None) -> tuple[str, int | None] | None:
    if reference is None:
        return None
    if not is_synced(depot, reference.name) or reference.at is None:
        return reference.name, None
    return reference.name, depot.catalog.reader.version(reference.name, reference.at).number


def _artifacts(depot: Depot, scope: tuple[str, int | None] | None) -> Iterator[Sequence[StoredArtifact]]:
    inventory, after = depot.catalog.inventory, b""
    if scope is not None:
        yield from _spooled(inventory.artifacts_of(*scope))
        return
    while page := inventory.artifacts(after=after):
        yield page
        after = page[-1].sha256


def _spooled(artifacts: Iterable[StoredArtifact]) -> Iterator[list[StoredArtifact]]:
    """Put a list aside on the disk: no transaction stays open for the hours that reading may take."""
    with tempfile.TemporaryFile() as spool:
        for sha256, size in artifacts:
            spool.write(sha256 + size.to_bytes(_RECORD - _SHA256))
        spool.seek(0)
        while record := spool.read(_RECORD):
            yield [StoredArtifact(record[:_SHA256], int.from_bytes(record[_SHA256:]))]


def _pages(artifacts: Iterator[StoredArtifact]) -> Iterator[list[StoredArtifact]]:
    while page := list(islice(artifacts, _PAGE)):
        yield page


def _sampled(page: list[StoredArtifact], seen: Verified) -> list[StoredArtifact]:
    """Draw by digest, so that a seed stands for the same files whatever else there is."""
    if seen.share >= 1:
        return page
    key = seen.seed.to_bytes(8)
    below = int(seen.share * 2**64).to_bytes(9)[1:]
    drawn = [one for one in page if hashlib.blake2b(one.sha256, key=key, digest_size=8).digest() < below]
    seen.passed_over += len(page) - len(drawn)
    return drawn


def _examined(
    depot: Depot, page: Sequence[StoredArtifact], readers: ThreadPoolExecutor, *, watch: _Watch
) -> Iterator[Damaged]:
    seen = watch.seen
    parts = [page[start : start + _PART] for start in range(0, len(page), _PART)]
    suspects: list[StoredArtifact] = []
    for part, damages in zip(parts, readers.map(lambda part: _look(depot, part), parts), strict=True):
        suspects += [artifact for artifact, damage in zip(part, damages, strict=True) if damage is not None]
        seen.checked += len(part)
        seen.octets += sum(artifact.size for artifact in part)
        watch.tell(seen)
    for artifact, damage, needed in _looked_at_again(depot, suspects):
        seen.damaged += 1
        yield Damaged(damage, *artifact, tuple(needed.repositories))


def _look(depot: Depot, part: Sequence[StoredArtifact]) -> list[Damage | None]:
    return [depot.storage.examine(*artifact) for artifact in part]


def _looked_at_again(
    depot: Depot, suspects: Sequence[StoredArtifact]
) -> Iterator[tuple[StoredArtifact, Damage, Needed]]:
    """Those that are damaged still, and still wanted: others were collected, or kept anew, meanwhile.

    The row is asked after each look, for a collector condemns it before it removes the bytes.
    """
    damages: dict[StoredArtifact, Damage] = {}
    for _ in range(_LOOKS if suspects else 0):
        looked = zip(suspects, _look(depot, suspects), strict=True)
        damages = {artifact: damage for artifact, damage in looked if damage is not None}
        recorded = depot.catalog.inventory.recorded([artifact.sha256 for artifact in damages])
        suspects = [artifact for artifact in damages if recorded.get(artifact.sha256)]
    needed = depot.catalog.inventory.needed([artifact.sha256 for artifact in suspects])
    for artifact in suspects:
        yield artifact, damages[artifact], needed[artifact.sha256]


def _bodies(depot: Depot, scope: tuple[str, int | None] | None, seen: Verified) -> Iterator[Damaged]:
    inventory, after = depot.catalog.inventory, b""
    while page := inventory.bodies(after=after, of=scope):
        seen.bodies += len(page)
        wrong = [sha256 for sha256, is_right in page if not is_right]
        needed = inventory.needed(wrong)
        for sha256 in wrong:
            seen.damaged += 1
            yield Damaged("body", sha256, 0, tuple(needed[sha256].repositories))
        after = page[-1][0]


def _foreign(depot: Depot, seen: Verified, *, began: float, now: Callable[[], float]) -> Iterator[Foreign]:
    standing = iter(depot.storage.walk())
    suspects: list[Standing] = []
    while page := list(islice(standing, _PAGE)):
        suspects += _unrecorded(depot, page)
    # A run names bytes in the catalog right after it kept them: whoever has just come is given time.
    settled = min(began, now() - _GRACE) if depot.catalog.inventory.is_written_to() else began
    for start in range(0, len(suspects), _PAGE):
        for one in _unrecorded(depot, suspects[start : start + _PAGE]):
            found = _told(depot, one, settled)
            if found is not None:
                seen.unclaimed += found.kind == "unclaimed"
                seen.foreign += found.kind != "unclaimed"
                yield found


def _unrecorded(depot: Depot, page: Sequence[Standing]) -> list[Standing]:
    recorded = depot.catalog.inventory.recorded([one.sha256 for one in page if one.sha256 is not None])
    return [one for one in page if one.sha256 not in recorded]


def _told(depot: Depot, one: Standing, settled: float) -> Foreign | None:
    if one.sha256 is None or one.kind != "file":
        return Foreign(one.kind, one.name)
    if one.changed > settled or not depot.storage.holds(one.sha256):
        return None
    with depot.storage.open(one.sha256) as file:
        size = file.seek(0, os.SEEK_END)
    is_right = depot.storage.examine(one.sha256, size) is None
    return Foreign("unclaimed" if is_right else "file", one.name)

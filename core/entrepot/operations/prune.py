"""Prune: fewer versions, and nothing kept that nothing needs.

Safe beside syncs, serving and fetches on demand, without any grace period; killed anywhere it
leaves garbage, which the next prune takes. See docs/decisions/0022.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import attrs

from entrepot.operations.versions import is_synced

if TYPE_CHECKING:
    from entrepot.catalog.collector import Collector
    from entrepot.catalog.condemning import LiveRun
    from entrepot.depot import Depot

#: Seconds for which syncs under way are waited for, and between two looks.
PATIENCE: Final = 10.0
_LOOK: Final = 0.2

#: Files that are looked up together.
_FILES: Final = 2000

Told: TypeAlias = Callable[[Sequence["LiveRun"]], None]


@attrs.frozen(kw_only=True)
class Pruned:
    """What a prune did, or with `dry_run` would do.

    `versions` are the numbers that went, by repository. `files` had no row: what killed syncs and
    prunes left; `files_left` of these had to stay. `held_up` names repositories whose syncs were
    still under way: what these may need waits for the next prune.
    """

    versions: Mapping[str, Sequence[int]]
    contents: int
    artifacts: int
    artifact_bytes: int
    files: int
    files_left: int = 0
    dry_run: bool
    seconds: float
    held_up: Sequence[str] = ()

    def to_json(self) -> Iterator[dict[str, Any]]:
        """The lines that programs get, the last of them for the whole depot."""
        for name, numbers in self.versions.items():
            yield {
                "event": "versions-pruned",
                "repository": name,
                "versions": list(numbers),
                "dry_run": self.dry_run,
            }
        counted = sum(map(len, self.versions.values()))
        rest = attrs.asdict(self, filter=attrs.filters.exclude("versions"))
        yield {"event": "pruned", "versions": counted, **rest}


def prune(
    depot: Depot,
    names: Sequence[str] = (),
    *,
    keep: int | None = None,
    dry_run: bool = False,
    patience: float = PATIENCE,
    waiting: Told = lambda _: None,
) -> Pruned:
    """Prune versions of these repositories, or of all, then collect what nothing in the depot needs.

    Without `keep` each repository keeps what its `keep_versions` says, or everything. Syncs under
    way are waited for as long as `patience` says, in seconds; `waiting` is told which, once.
    Raises `DepotBusy` while another prune runs, `UnknownName` before anything is done.
    """
    began = time.monotonic()
    keeping = _keeping(depot, names, keep)
    with depot.catalog.collector() as collector:
        if dry_run:
            return _reckon(depot, collector, keeping, began)
        now = depot.catalog.clock()
        gone = {name: collector.prune_versions(name, number, now=now) for name, number in keeping.items()}
        collector.condemn()
        _wait(collector.holding_up, patience - (time.monotonic() - began), waiting)
        collected = collector.collect(depot.storage.remove)
        _wait(collector.alive, patience - (time.monotonic() - began), lambda _: None)
        files = [
            (len(some), collector.remove_unknown(some, depot.storage.remove)) for some in _litter(depot, collector)
        ]
        removed = sum(gone for _, gone in files)
        return Pruned(
            versions={name: numbers for name, numbers in gone.items() if numbers},
            files=removed,
            files_left=sum(found for found, _ in files) - removed,
            dry_run=False,
            held_up=sorted({run.repository for run in collector.alive()}),
            seconds=time.monotonic() - began,
            **attrs.asdict(collected),
        )


def _keeping(depot: Depot, names: Sequence[str], keep: int | None) -> dict[str, int]:
    """How many versions stay of each repository whose versions are to be pruned."""
    if names:
        synced = [name for name in dict.fromkeys(names) if is_synced(depot, name)]
    else:
        synced = [row.name for row in depot.catalog.reader.repositories()]
    configured = {name: settings.keep_versions for name, settings in depot.settings.repositories.items()}
    return {
        name: number for name in synced if (number := keep if keep is not None else configured.get(name)) is not None
    }


def _reckon(depot: Depot, collector: Collector, keeping: Mapping[str, int], began: float) -> Pruned:
    planned = {name: collector.prunable(name, number) for name, number in keeping.items()}
    collected = collector.reckon([first for first, _ in planned.values()])
    return Pruned(
        versions={name: numbers for name, (_, numbers) in planned.items() if numbers},
        files=sum(map(len, _litter(depot, collector))),
        dry_run=True,
        seconds=time.monotonic() - began,
        **attrs.asdict(collected),
    )


def _wait(runs: Callable[[], list[LiveRun]], patience: float, waiting: Told) -> None:
    """Wait until there are no such runs, or patience ends."""
    deadline = time.monotonic() + patience
    alive = runs()
    if alive and patience > 0:
        waiting(alive)
    while alive and time.monotonic() < deadline:
        time.sleep(_LOOK)
        alive = runs()


def _litter(depot: Depot, collector: Collector) -> Iterator[list[bytes]]:
    """Files that no row names, some at a time."""
    digests: list[bytes] = []
    for one in depot.storage.walk():
        if one.kind == "file" and one.sha256 is not None:
            digests.append(one.sha256)
        if len(digests) == _FILES:
            yield collector.unknown(digests)
            digests = []
    if digests:
        yield collector.unknown(digests)

"""What a repository knew of units before a run, told unit by unit."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from entrepot.model.ledger import UnitPast

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from entrepot.model.declarative import DeclarativeContent
    from entrepot.model.ledger import Appearance, Past, RefusalRow


def told_by_unit(units: Sequence[DeclarativeContent], past: Past) -> list[UnitPast]:
    """Sort what is known by unit; another unit's bytes under the same key are none of its past."""
    appearances: dict[str, list[Appearance]] = defaultdict(list)
    refusals: dict[str, list[RefusalRow]] = defaultdict(list)
    for appearance in past.appearances:
        appearances[appearance.key].append(appearance)
    for refusal in past.refusals:
        refusals[refusal.key].append(refusal)
    return [_told(unit, appearances[unit.key], tuple(refusals[unit.key])) for unit in units]


def _told(unit: DeclarativeContent, had: Iterable[Appearance], refusals: tuple[RefusalRow, ...]) -> UnitPast:
    statements: dict[int, list[Appearance]] = defaultdict(list)
    for appearance in had:
        statements[appearance.content].append(appearance)
    same = [rows[0] for rows in statements.values() if _has_the_bytes(unit, rows)]
    return UnitPast(min((row.since for row in same), default=None), any(row.is_latest for row in same), refusals)


def _has_the_bytes(unit: DeclarativeContent, rows: Sequence[Appearance]) -> bool:
    """Whether all artifacts stand at the same paths, and each digest that is declared is the same."""
    stated = {row.relative_path: (row.algorithm, row.digest) for row in rows}
    declared = {artifact.relative_path: artifact.artifact.preferred for artifact in unit.d_artifacts}
    if declared.keys() != stated.keys() or not any(declared.values()):
        return False
    return all(digest is None or (digest.algorithm, digest.value) == stated[path] for path, digest in declared.items())

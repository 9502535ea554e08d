"""How a batch goes to SQLite, and is cut into rows again there.

It goes over as one parameter for each column, cut by `substr` over the numbers 0, 1, 2, ... All cuts
are at constant cost because the parameters are blobs.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from entrepot.catalog.batch import Batch, BatchColumn, Kind


def relation(batch: Batch) -> str:
    """The batch as a relation, with its order in `n`."""
    cells = ", ".join(f"{_cell(column)} AS {column.name}" for column in batch.columns)
    return f"(SELECT n, {cells} FROM number WHERE n < :count) AS batch"


def _cell(column: BatchColumn) -> str:
    name = column.name
    if column.kind is Kind.SHA256:
        return f"substr(:{name}, n * 32 + 1, 32)"
    if column.kind is Kind.INT:
        cell = f"CAST(substr(:{name}, n * 20 + 1, 20) AS INTEGER)"
        return f"NULLIF({cell}, -1)" if column.nullable else cell
    at, length = (f"CAST(substr(:{name}_at, n * 20 + {start}, 10) AS INTEGER)" for start in (1, 11))
    cell = f"substr(:{name}, {at}, {length})"
    if column.kind is Kind.TEXT:
        cell = f"CAST({cell} AS TEXT)"
    return f"CASE WHEN {length} >= 0 THEN {cell} END" if column.nullable else cell


def pack(batch: Batch, columns: Sequence[Sequence[Any]]) -> dict[str, Any]:
    """The batch as parameters of a statement that reads it."""
    packed: dict[str, Any] = {"count": len(columns[0])}
    for column, cells in zip(batch.columns, columns, strict=True):
        name = column.name
        if column.kind is Kind.SHA256:
            packed[name] = b"".join(cells)
        elif column.kind is Kind.INT:
            numbers = [-1 if cell is None else cell for cell in cells] if column.nullable else cells
            packed[name] = (("%20d" * len(cells)) % tuple(numbers)).encode()
        else:
            packed[name], packed[f"{name}_at"] = _concatenated(column, cells)
    return packed


def _concatenated(column: BatchColumn, cells: Sequence[Any]) -> tuple[bytes, bytes]:
    """All values in one, and where each begins and how long it is; -1 for None.

    A byte is added at the end, for SQLite makes NULL of whatever is cut from an empty blob.
    """
    first = cells[0]
    if cells.count(first) == len(cells):
        whole = b"" if first is None else first.encode() if column.kind is Kind.TEXT else first
        return whole + b" ", b"%10d%10d" % (1, -1 if first is None else len(whole)) * len(cells)
    whole, lengths = _joined_text(cells) if column.kind is Kind.TEXT else _joined(cells)
    places = [0] * (2 * len(lengths))
    places[0::2] = list(accumulate(lengths[:-1], initial=1))
    places[1::2] = lengths
    if column.nullable:
        places[1::2] = [-1 if cell is None else length for cell, length in zip(cells, lengths, strict=True)]
    return whole, (("%10d" * len(places)) % tuple(places)).encode()


def _joined_text(cells: Sequence[str | None]) -> tuple[bytes, list[int]]:
    filled = [cell or "" for cell in cells]
    joined = "".join(filled)
    if joined.isascii():
        return f"{joined} ".encode(), list(map(len, filled))
    return _joined([cell.encode() for cell in filled])


def _joined(cells: Sequence[bytes | None]) -> tuple[bytes, list[int]]:
    filled = [cell or b"" for cell in cells]
    return b"".join((*filled, b" ")), list(map(len, filled))

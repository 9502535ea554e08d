"""Reading a list line by line, without ever having much of it in memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from entrepot.plugin import InvalidMetadata

#: No honest line is longer: a path has 4,096 bytes at most.
LONGEST_LINE: Final = 64 * 1024

_BLOCK: Final = 256 * 1024
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


def blocks_of_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the number of a line, and it with some thousands after it, joined by newlines.

    Carriage returns before newlines are taken away. Raises `InvalidMetadata` for what is not UTF-8,
    and for a line that does not end.
    """
    number, rest = 1, b""
    with path.open("rb") as file:
        if file.read(len(_BYTE_ORDER_MARK)) != _BYTE_ORDER_MARK:
            file.seek(0)
        while block := file.read(_BLOCK):
            whole, newline, rest = (rest + block).rpartition(b"\n")
            if newline:
                yield number, _decoded(whole, number)
                number += whole.count(b"\n") + 1
            if len(rest) > LONGEST_LINE:
                raise InvalidMetadata(
                    f"a line is longer than {LONGEST_LINE} bytes",
                    where=f"line {number}",
                    remedy="see whether url leads to a list, and not to something else",
                )
    if rest:
        yield number, _decoded(rest, number)


def _decoded(block: bytes, number: int) -> str:
    try:
        text = block.decode()
    except UnicodeDecodeError as error:
        line = number + block.count(b"\n", 0, error.start)
        raise InvalidMetadata(
            "a line is not UTF-8 text", where=f"line {line}", remedy="let the upstream write the list in UTF-8"
        ) from error
    return text.replace("\r\n", "\n").removesuffix("\r")

"""The manifest that Pulp reads and writes: `path,sha256,size` a line."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from entrepot.plugin import InvalidMetadata, parse_digest
from entrepot_file.entry import BadEntry, Entry

#: Lines as nearly all are; a path with commas is read with more care.
_LINES: Final = re.compile(r"^([^#,\n][^,\n]*),([0-9a-f]{64}),([0-9]{1,18})$", re.MULTILINE)
_FIELDS: Final = 3
_TOO_LARGE: Final = 2**63
_REMEDY: Final = "a line is a path, the sha256 in hexadecimal digits and the size in bytes, with commas between"


def read_lines(lines: str) -> Iterable[Entry | BadEntry | None]:
    """Read lines that are joined by newlines; where all are as they should be, at one go."""
    found = _LINES.findall(lines)
    if len(found) == lines.count("\n") + 1:
        return [Entry(path, sha256, int(size)) for path, sha256, size in found]
    return map(read_line, lines.split("\n"))


def read_line(line: str) -> Entry | BadEntry | None:
    """Read a line; None for one that is empty, or a comment.

    A path may hold commas itself: the last two fields are digest and size. What has fewer fields
    names no file, and is raised.
    """
    if not line.strip() or line.startswith("#"):
        return None
    fields = line.rsplit(",", _FIELDS - 1)
    if len(fields) != _FIELDS:
        raise InvalidMetadata(f"{line!r:.80} is no line of a manifest", remedy=_REMEDY)
    path, digest, size = fields[0], fields[1].strip(), fields[2].strip()
    try:
        return Entry(path, parse_digest("sha256", digest).hex, _size(size))
    except InvalidMetadata as error:
        return BadEntry(path, error)


def _size(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(_TOO_LARGE)) and int(text) < _TOO_LARGE):
        raise InvalidMetadata(
            f"{text!r:.80} is not a size", remedy="a size is a whole number of bytes, zero or more, below 2^63"
        )
    return int(text)


def write_line(path: str, sha256: str, size: int) -> str:
    """Write a line as it is read; paths that begin with '#' would be taken for comments."""
    return f"{path},{sha256},{size}\n"

r"""Checksums as `sha256sum` of GNU coreutils writes them.

A line is the digest, a space, a mark (a space for text, `*` for binary) and the name. When the name
holds a backslash, a newline or a carriage return, the line begins with a backslash, and they are
written as `\\`, `\n` and `\r`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from entrepot.plugin import InvalidMetadata, parse_digest
from entrepot_file.entry import BadEntry, Entry

_LINES: Final = re.compile(r"^([0-9a-f]{64}) [ *]([^./\n].*)$", re.MULTILINE)
_ODD_LINE: Final = re.compile(r"(\\?)([^ ]*) [ *](.*)", re.DOTALL)
_ESCAPE: Final = re.compile(r"\\(.?)", re.DOTALL)
_MEANING: Final = {"\\": "\\", "n": "\n", "r": "\r"}


def read_lines(lines: str) -> Iterable[Entry | BadEntry | None]:
    """Read lines that are joined by newlines; where all are as they should be, at one go."""
    found = _LINES.findall(lines)
    if len(found) == lines.count("\n") + 1:
        return [Entry(name, sha256, None) for sha256, name in found]
    return map(read_line, lines.split("\n"))


def read_line(line: str) -> Entry | BadEntry | None:
    """Read a line; None for one that is empty, or a comment. What names no file is raised.

    `./` at the beginning of a name is taken away: it is what `find` puts there.
    """
    if not line.strip() or line.startswith("#"):
        return None
    found = _ODD_LINE.fullmatch(line)
    if found is None:
        raise InvalidMetadata(
            f"{line!r:.80} is no line of checksums", remedy="write the list with: sha256sum FILE... > SHA256SUMS"
        )
    escaped, digest, name = found.groups()
    try:
        path = _unescaped(name) if escaped else name
        return Entry(path.removeprefix("./"), parse_digest("sha256", digest).hex, None)
    except InvalidMetadata as error:
        return BadEntry(name, error)


def _unescaped(name: str) -> str:
    def meaning(escape: re.Match[str]) -> str:
        if escape[1] not in _MEANING:
            raise InvalidMetadata(
                f"name {name!r:.80} is escaped in a way that nobody writes",
                remedy=r"after a backslash stands '\', 'n' or 'r'",
            )
        return _MEANING[escape[1]]

    return _ESCAPE.sub(meaning, name)


def write_line(path: str, sha256: str) -> str:
    """Write a line as `sha256sum` does; names that entrepot accepts need no escapes."""
    return f"{sha256}  {path}\n"

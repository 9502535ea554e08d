"""Several indexes as one: a project is had whole from the first that has it, and never merged."""

from __future__ import annotations

import heapq
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, BinaryIO, Final

import msgspec

from entrepot.plugin import Combining, Merge
from entrepot_python.write_html import root_begins, root_ends
from entrepot_python.write_json import JSON

if TYPE_CHECKING:
    from entrepot_python.read_root import Named

#: Where a project's name stands: in its page, in the older JSON, and in the paths of its files.
_OF_A_PROJECT: Final = re.compile(r"(?:simple|packages|pypi)/([^/]+)(?:/.*)?", re.DOTALL)

#: A line of the root page, as it is written here.
_LINK: Final = re.compile(rb'<a href="([^"/]+)/">[^<]*</a><br>\n')


def page_of(path: str) -> str:
    """Name the page of the project that a path is of, however the name is written (PEP 503)."""
    found = _OF_A_PROJECT.fullmatch(path)
    return f"simple/{_normalized(found[1])}/" if found else path


def merge(path: str) -> Merge | None:
    """What makes one list of projects of several; the root is all that tells of more than one."""
    return merged_roots if path == "simple/" else None


def merged_roots(media_type: str, roots: Sequence[BinaryIO]) -> Iterator[bytes]:
    """Write the union of lists, each project as the first list that has it."""
    if media_type != JSON:
        yield root_begins()
        yield from _firsts([_links(root) for root in roots])
        yield root_ends()
        return
    yield b'{"meta":{"api-version":"1.0"},"projects":['
    comma = b""
    for project in _firsts([_projects(root) for root in roots]):
        yield comma + project
        comma = b","
    yield b"]}"


def _normalized(name: str) -> str:
    """The name by which a project is looked for (PEP 503)."""
    from packaging.utils import canonicalize_name  # noqa: PLC0415  # every command loads this module

    return canonicalize_name(name)


def _firsts(lists: Sequence[Iterable[tuple[str, bytes]]]) -> Iterator[bytes]:
    """What the first of the lists says for each name; all are in order of name."""
    last = None
    for name, said in heapq.merge(*lists, key=lambda each: each[0]):  # of equal names, the first list's comes first
        if name != last:
            yield said
        last = name


def _projects(root: BinaryIO) -> Iterator[tuple[str, bytes]]:
    from entrepot_python.read_root import read_root  # noqa: PLC0415  # every command loads this module

    for project in read_root(io.TextIOWrapper(root, encoding="utf-8"), is_json=True):
        yield _normalized(project.name), msgspec.json.encode(_entry(project))


def _entry(project: Named) -> dict[str, object]:
    return {"name": project.name, **({} if project.serial is None else {"_last-serial": project.serial})}


def _links(root: BinaryIO) -> Iterator[tuple[str, bytes]]:
    for line in root:
        if found := _LINK.fullmatch(line):
            yield found[1].decode(), line


COMBINING: Final = Combining(stands_for=page_of, merge=merge)

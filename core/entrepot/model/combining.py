"""How several repositories of one type are served as one, as their type says it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO, TypeAlias

import attrs

#: Makes one file of those of several repositories, given its media type; the first one outranks the others.
Merge: TypeAlias = Callable[[str, Sequence[BinaryIO]], Iterator[bytes]]


def _itself(path: str) -> str:
    return path


def _nothing(_: str) -> Merge | None:
    return None


@attrs.frozen(kw_only=True)
class Combining:
    """Which files of a repository go together, and which ones tell of the whole of it.

    `stands_for` names, for a path that anybody may have made up, the path that a version has exactly
    where it has the group which the first path is of: for a file of a project, the project's page. The
    first repository that has the group answers for all of it, also with "not found"; no group is ever
    made of two repositories. Unless said otherwise each path is a group of its own.

    `merge` gives, for a path that tells of everything in a repository, what makes it of those of all;
    None for every other path. It runs on a thread, reads streams of whatever size, and gives equal
    bytes for equal streams. Where one of the repositories has no such file, neither has their
    combination.
    """

    stands_for: Callable[[str], str] = _itself
    merge: Callable[[str], Merge | None] = _nothing

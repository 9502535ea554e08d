"""The first stage of a withdrawal: lets files go that somebody uploaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from entrepot.assembly.default_plan import BUILTIN
from entrepot.model import facts
from entrepot.model.content import decode_fields, shape_of
from entrepot.model.declarative import DeclarativeContent, told
from entrepot.model.ledger import RefusalRow
from entrepot.model.upload import Unacceptable
from entrepot.publish.view import LedgerView
from entrepot.stages.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from entrepot.model.content import Content
    from entrepot.model.upload import UploadReader

#: The rule that a file is left out by from then on, for whoever asks what became of it.
WITHDRAWN: Final = "withdrawn"


class TakeOut(Stage):
    """Let files of the latest version go: all of them, or none where one is not there.

    A file is named by where it is served, or by the end of that after a slash; of a content with several
    files it is the first in order of path. Nothing that is known of it goes: its name keeps its bytes.
    """

    gives = frozenset({facts.DECLARED})

    def __init__(self, names: Sequence[str], reader: UploadReader, *, types: Iterable[type[Content]]) -> None:
        self._names = tuple(dict.fromkeys(names))
        self._reader = reader
        self._types = tuple(types)

    async def run(self) -> None:
        held = LedgerView(self.context.repository.name, self.context.ledger, whole=False)
        gone: dict[str, Content] = {}
        for cls, numbers in (await self._named(held)).items():
            gone |= await self._contents(cls, numbers)
        for content in await self._reader.without(list(gone.values()), held):
            await self.put(DeclarativeContent(content))
        rows = [_row(key) for key in gone]
        await self.context.ledger.refuse(rows, evict=list(gone))

    async def _named(self, held: LedgerView) -> Mapping[type[Content], set[int]]:
        """The numbers of the contents that are named, by their type."""
        found: dict[str, list[_Served]] = {name: [] for name in self._names}
        for cls in self._types:
            seen: set[int] = set()
            async for row in held.paths(cls):
                if row.content not in seen:
                    seen.add(row.content)
                    for name in _ends(row.relative_path) & found.keys():
                        found[name].append(_Served(row.relative_path, cls, row.content))
        named: dict[type[Content], set[int]] = {}
        for name, served in found.items():
            one = _the_one(name, served)
            named.setdefault(one.cls, set()).add(one.content)
        return named

    async def _contents(self, cls: type[Content], numbers: set[int]) -> dict[str, Content]:
        type_name, after, found = shape_of(cls).type, "", {}
        while rows := await self.context.ledger.contents(type_name, after=after):
            found.update({row.key: decode_fields(cls, row.fields) for row in rows if row.content in numbers})
            after = rows[-1].key
        return found


class _Served(NamedTuple):
    """A file that a version serves."""

    path: str
    cls: type[Content]
    content: int


def _ends(path: str) -> set[str]:
    """A path, and what of it stands after each slash."""
    parts = path.split("/")
    return {"/".join(parts[number:]) for number in range(len(parts))}


def _the_one(name: str, served: Sequence[_Served]) -> _Served:
    """The file that is served by a whole name, or the only one by its end."""
    if exact := [one for one in served if one.path == name]:
        return exact[0]
    if not served:
        remedy = "name one that is served; see them: entrepot show NAME"
        raise Unacceptable(f"the latest version has no file {name!r:.120}", remedy=remedy)
    if len(served) > 1:
        some = ", ".join(told(one.path) for one in served[:3])
        raise Unacceptable(f"{name!r:.120} means {len(served)} files: {some}", remedy="write more of the path")
    return served[0]


def _row(key: str) -> RefusalRow:
    remedy = "upload it again, with the same bytes"
    return RefusalRow(key, WITHDRAWN, "it was taken out of the repository", BUILTIN, "TakeOut", None, None, "", remedy)

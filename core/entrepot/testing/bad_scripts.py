"""What a misbehaving upstream does, as data: a TOML file of entries, the first that fits answers."""

from __future__ import annotations

import fnmatch
import random
import re
import tomllib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import unquote, urlsplit

import attrs

from entrepot.errors import ConfigurationError, did_you_mean
from entrepot.settings.structure import make_converter, structure
from entrepot.testing.bad_replies import Reply, Seen

_REQUESTS: Final = re.compile(r"([1-9][0-9]{0,8})(-([1-9][0-9]{0,8})?)?")


@attrs.frozen(kw_only=True)
class Entry:
    """Which requests it is for, and what is wrong with their answers.

    `path` is a glob. `request` counts the requests for one path, `arrival` all that fit the glob:
    "3" is the third, "3-5" and "3-" are several. With `chance` it answers so many of them, by the
    script's seed. `switch` serves another tree from this request on. What the entry leaves open is
    as the tree's file has it; the rest are fields of `Reply`.
    """

    path: str
    request: str = "1-"
    arrival: str = "1-"
    chance: float = 1.0
    switch: str | None = None
    status: int | None = None
    headers: Mapping[str, str] = attrs.field(factory=dict)
    body: str | None = None
    body_file: Path | None = None
    repeat: int = 1
    framing: Literal["length", "chunked", "close"] | None = None
    declared: int | None = None
    pause: float | None = None
    head_trickle: float | None = None
    trickle: float | None = None
    piece: int | None = None
    cut: int | None = None
    reset: bool | None = None
    stall: bool | None = None
    endless: bool | None = None
    honest: bool | None = None
    raw: str | None = None

    def spoil(self, good: Reply) -> Reply:
        """Change a good answer as the entry says."""
        wire = ("framing", "declared", "pause", "head_trickle", "trickle", "piece", "cut", "reset", "stall", "endless")
        said = {name: getattr(self, name) for name in ("status", "honest", *wire)}
        changes: dict[str, Any] = {name: value for name, value in said.items() if value is not None}
        if self.raw is not None:
            changes["raw"] = self.raw.encode("latin-1")
        body = self._body()
        if body is not None or self.status is not None:
            good = Reply(body=body or b"")
        return attrs.evolve(good, headers={**good.headers, **self.headers}, **changes)

    def _body(self) -> bytes | None:
        if self.body_file is not None:
            return self.body_file.read_bytes() * self.repeat
        return None if self.body is None else self.body.encode() * self.repeat


@attrs.frozen(kw_only=True)
class Script:
    """Trees of good files, the one that is served at first, and what goes wrong."""

    trees: Mapping[str, Path] = attrs.field(factory=dict)
    tree: str | None = None
    seed: int = 0
    replies: tuple[Entry, ...] = ()

    @classmethod
    def load(cls, path: Path) -> Script:
        """Read a file; folders and files in it are relative to it.

        Raises `ConfigurationError` that names the file and the entry, or a group of several.
        """
        try:
            raw = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise ConfigurationError(
                f"the script cannot be read: {error}", where=str(path), remedy="write a script as TOML"
            ) from error
        return cls.read(raw, where=str(path), folder=path.parent)

    @classmethod
    def read(cls, raw: Mapping[str, Any], *, where: str, folder: Path) -> Script:
        """Read what a file says, or a test writes as a mapping."""
        script = structure(cls, raw, where=where, converter=make_converter({}))
        script = attrs.evolve(script, trees={name: folder / tree for name, tree in script.trees.items()})
        script._check_tree(script.tree, f"{where}, tree")
        for name, tree in script.trees.items():
            if not tree.is_dir():
                raise _wrong(f"there is no folder {str(tree)!r}", f"{where}, trees.{name}", "name a folder that exists")
        placed = [script._placed(entry, f"{where}, replies[{n}]", folder) for n, entry in enumerate(script.replies)]
        return attrs.evolve(script, replies=tuple(placed))

    def _placed(self, entry: Entry, where: str, folder: Path) -> Entry:
        for name in ("request", "arrival"):
            if _REQUESTS.fullmatch(getattr(entry, name)) is None:
                raise _wrong(f"{getattr(entry, name)!r} numbers no requests", f"{where}.{name}", "write '3' or '3-5'")
        if not 0 <= entry.chance <= 1:
            raise _wrong(f"{entry.chance} is no chance", f"{where}.chance", "write a number from 0 to 1")
        if entry.body is not None and entry.body_file is not None:
            raise _wrong("body and body_file are both given", where, "leave one of them out")
        self._check_tree(entry.switch, f"{where}.switch")
        if entry.body_file is None:
            return entry
        file = folder / entry.body_file
        if not file.is_file():
            raise _wrong(f"there is no file {str(file)!r}", f"{where}.body_file", "name a file that exists")
        return attrs.evolve(entry, body_file=file)

    def _check_tree(self, name: str | None, where: str) -> None:
        if name is not None and name not in self.trees:
            what = f"there is no tree {name!r}{did_you_mean(name, self.trees)}"
            raise _wrong(what, where, f"use one of: {', '.join(sorted(self.trees)) or 'none; write [trees] first'}")


class Played:
    """A script on its way: counts requests, rolls its dice, knows which tree is served."""

    def __init__(self, script: Script) -> None:
        self.tree = script.tree
        self._script = script
        self._dice = random.Random(script.seed)  # noqa: S311  (repeatable on purpose)
        self._asked: Counter[str] = Counter()
        self._arrived: Counter[int] = Counter()

    def __call__(self, request: Seen) -> Reply:
        """Answer as the first entry that fits says, or well, from the tree."""
        self._asked[request.path] += 1
        for place, entry in enumerate(self._script.replies):
            if self._is_for(entry, place, request):
                self.tree = entry.switch or self.tree
                return entry.spoil(self._good(request))
        return self._good(request)

    def _is_for(self, entry: Entry, place: int, request: Seen) -> bool:
        if not fnmatch.fnmatchcase(request.path, entry.path):
            return False
        self._arrived[place] += 1
        return (
            _counts(entry.request, self._asked[request.path])
            and _counts(entry.arrival, self._arrived[place])
            and (entry.chance >= 1 or self._dice.random() < entry.chance)
        )

    def _good(self, request: Seen) -> Reply:
        if self.tree is not None:
            root = self._script.trees[self.tree].resolve()
            file = (root / unquote(urlsplit(request.path).path).lstrip("/")).resolve()
            if file.is_relative_to(root) and file.is_file():
                return Reply.file(file.read_bytes())
        return Reply(status=404, body=b"nothing here")


def _counts(written: str, number: int) -> bool:
    found = _REQUESTS.fullmatch(written)
    if found is None:
        return False
    first, several, last = int(found[1]), found[2], found[3]
    return number == first if several is None else first <= number and (last is None or number <= int(last))


def _wrong(what: str, where: str, remedy: str) -> ConfigurationError:
    return ConfigurationError(what, where, remedy)

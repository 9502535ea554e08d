"""The first stage for an upstream that lists its files."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final, TypeAlias
from urllib.parse import quote, urlsplit, urlunsplit

import attrs

from entrepot.plugin import (
    Artifact,
    DeclarativeArtifact,
    DeclarativeContent,
    Download,
    InvalidMetadata,
    Remote,
    Stage,
    Validator,
    facts,
    safe_url,
)
from entrepot_file.content import FileContent
from entrepot_file.entry import OWN_LISTS, BadEntry, Entry
from entrepot_file.numbered_lines import blocks_of_lines

#: Reads lines that are joined by newlines, and gives one answer for each.
ReadLines: TypeAlias = Callable[[str], Iterable[Entry | BadEntry | None]]

_NEEDS_NO_QUOTES: Final = re.compile(r"[A-Za-z0-9_./~-]*").fullmatch

#: All that a list names is one scope: it changed, or it did not.
SCOPE: Final = "list"


class ReadList(Stage):
    """Declare every file that a list names, in its order, while the list is read.

    A line that says what cannot be is a failed unit; one that names no file ends the sync, as who
    knows what else is missing. With `skip_unchanged` a list that is as it was is not read, and what
    it named is kept.
    """

    gives = frozenset({facts.DECLARED})

    def __init__(self, remote: Remote, read_lines: ReadLines, *, skip_unchanged: bool = True) -> None:
        self.remote = remote
        self.read_lines = read_lines
        self.skip_unchanged = skip_unchanged

    async def run(self) -> None:
        noted = _Noted.load(await self.context.checkpoint(SCOPE)) if self.skip_unchanged else _Noted()
        answer = await self.remote.get_downloader(url=self.remote.url, validator=noted.validator).run()
        if answer.not_modified:
            await self.keep(SCOPE)
            return
        if answer.digests["sha256"] == noted.sha256:
            await self.keep(SCOPE)
        else:
            await self._declare_all(answer)
        await self.context.note_checkpoint(SCOPE, _Noted(answer.digests["sha256"], answer.validator).dump())

    async def _declare_all(self, answer: Download) -> None:
        folder = _folder_of(self.remote.url)
        for number, entry in self._entries(answer):
            if isinstance(entry, BadEntry):
                await self._give_up(number, entry)
            elif entry.relative_path in OWN_LISTS:
                await self.refuse(_unit(entry.relative_path), "own-list", "entrepot writes this list itself")
            else:
                try:
                    unit = self._declared(entry, folder)
                except InvalidMetadata as error:
                    await self._give_up(number, BadEntry(entry.relative_path, error))
                else:
                    await self.put(unit)

    def _entries(self, answer: Download) -> Iterator[tuple[int, Entry | BadEntry]]:
        number = 1
        try:
            for first, lines in blocks_of_lines(answer.path):
                number = first
                for entry in self.read_lines(lines):
                    if entry is not None:
                        yield number, entry
                    number += 1
        except InvalidMetadata as error:
            if not error.where:
                error.at(f"line {number}")
            raise error.at(safe_url(self.remote.url)) from None

    def _declared(self, entry: Entry, folder: str) -> DeclarativeContent:
        path, sha256, size = entry
        url = folder + (path if _NEEDS_NO_QUOTES(path) else quote(path))
        artifact = DeclarativeArtifact(
            Artifact(sha256, size), url, path, self.remote, deferred_download=self.remote.deferred
        )
        return DeclarativeContent(FileContent(path, sha256, size), (artifact,), scope=SCOPE)

    async def _give_up(self, number: int, entry: BadEntry) -> None:
        error = entry.error.at(f"line {number}").at(safe_url(self.remote.url))
        await self.fail(_unit(entry.relative_path), error)


def _unit(path: str) -> DeclarativeContent:
    return DeclarativeContent(FileContent(path), scope=SCOPE)


def _folder_of(url: str) -> str:
    """Paths of a list start from where we were told it is, wherever we were redirected to."""
    scheme, host, path, _, _ = urlsplit(url)
    return urlunsplit((scheme, host, path[: path.rfind("/") + 1], "", ""))


@attrs.frozen
class _Noted:
    """What an earlier run noted of the list: to ask conditionally, and to know it when it comes again."""

    sha256: str | None = None
    validator: Validator | None = None

    def dump(self) -> str:
        return f"{self.sha256}\n{self.validator.dump() if self.validator else ''}"

    @classmethod
    def load(cls, text: str | None) -> _Noted:
        if text is None:
            return cls()
        sha256, _, validator = text.partition("\n")
        return cls(sha256, Validator.load(validator or None))

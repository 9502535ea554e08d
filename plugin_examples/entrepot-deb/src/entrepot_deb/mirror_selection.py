"""The first stage of what is published anew: declares the packages that the filters choose."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import ClassVar, Final

import attrs

from entrepot.plugin import DeclarativeContent, Download, IntegrityError, NotFound
from entrepot_deb.candidates import Candidate, candidate
from entrepot_deb.choice import Part, parts_of
from entrepot_deb.content import DebRelease
from entrepot_deb.declare import Declaring, Unusable
from entrepot_deb.mirror_suites import MirrorSuites, opened, paragraphs_of, read_options_keyring, scope_of, torn
from entrepot_deb.paragraphs import read_paragraphs
from entrepot_deb.release import Release
from entrepot_deb.selection import Selection, select
from entrepot_deb.signatures import Keyring
from entrepot_deb.trusted import Trusted

#: Needs that nothing meets which are told one by one.
_TOLD: Final = 50


@attrs.frozen
class _Suite:
    """A suite whose Release is believed, and its lists, which are here where anything changed."""

    name: str
    trusted: Trusted
    parts: Sequence[Part]
    lists: Mapping[str, Download] = attrs.field(factory=dict)

    @property
    def release(self) -> Release:
        return self.trusted.release


class MirrorSelection(MirrorSuites):
    """Declare each suite, and of its packages those that are chosen.

    What a package needs may stand in any list of any suite, so all lists are read again when one
    has changed, before the first package is declared. What the archive signed is believed in the
    same way as when it is served untouched; of it only the facts are kept.
    """

    always_by_hash: ClassVar[bool] = True

    async def run(self) -> None:
        keyring = await asyncio.to_thread(read_options_keyring, self.options.keyring)
        suites = [await self._gather(name, keyring) for name in self.options.suites]
        if is_known := await self._is_known(suites):
            for suite in suites:
                for part in suite.parts:
                    await self.keep(scope_of(suite.name, part))
        else:
            suites = [await self._with_lists(suite, keyring) for suite in suites]
        for suite in suites:
            await self.put(self._unsigned(suite))
        if not is_known:
            await self._declare_chosen(suites)
        for suite in suites:
            for index in self._further(suite.name, suite.release):
                await self._declare_file(suite.name, suite.release, index)

    async def _gather(self, name: str, keyring: Keyring | None) -> _Suite:
        trusted = await self._trusted(name, keyring)
        return _Suite(name, trusted, parts_of(trusted.release, self.options, name))

    async def _is_known(self, suites: Sequence[_Suite]) -> bool:
        note = _note_of(suites)
        scopes = [scope_of(suite.name, part) for suite in suites for part in suite.parts]
        return {await self.context.checkpoint(scope) for scope in scopes} == {note}

    async def _with_lists(self, suite: _Suite, keyring: Keyring | None) -> _Suite:
        """Fetch every list of a suite; one that changes meanwhile is read anew, once."""
        try:
            return await self._fetched(suite)
        except (NotFound, IntegrityError) as error:
            again = await self._gather(suite.name, keyring)
            if again.trusted.text == suite.trusted.text:
                raise torn(suite.name, error) from error
            return await self._fetched(again)

    async def _fetched(self, suite: _Suite) -> _Suite:
        lists = {
            scope_of(suite.name, part): await self._download(suite.name, suite.release, part.read)
            for part in suite.parts
        }
        return attrs.evolve(suite, lists=lists)

    def _unsigned(self, suite: _Suite) -> DeclarativeContent:
        release, lists = suite.release, [f"{part.component}/{part.architecture}" for part in suite.parts]
        architectures = [name.partition("/")[2] for name in lists]
        content = DebRelease(
            suite=suite.name,
            codename=release.codename,
            date=release.date,
            components=tuple(dict.fromkeys(name.partition("/")[0] for name in lists)),
            architectures=tuple(dict.fromkeys(name for name in architectures if name != "source")),
            said=release.said,
            lists=tuple(lists),
        )
        return DeclarativeContent(content, scope=suite.name)

    async def _declare_chosen(self, suites: Sequence[_Suite]) -> None:
        note = _note_of(suites)
        selection = await asyncio.to_thread(self._select, suites)
        for suite in suites:
            for part in suite.parts:
                await self._declare_part(suite, part, selection)
                await self.context.note_checkpoint(scope_of(suite.name, part), note)

    def _select(self, suites: Sequence[_Suite]) -> Selection:
        return select(
            (
                each
                for suite in suites
                for part in suite.parts
                if not part.is_source
                for each in _candidates(suite, part)
            ),
            self.options,
        )

    async def _declare_part(self, suite: _Suite, part: Part, selection: Selection) -> None:
        scope, what = scope_of(suite.name, part), f"dists/{suite.name}/{part.read.path}"
        declaring = Declaring(
            suite=suite.name,
            component=part.component,
            architecture=part.architecture,
            remote=self.remote,
            scope=scope,
            what=what,
        )
        unmet = _unmet(selection, suite.name, part)
        at = -1
        async for paragraph in paragraphs_of(suite.lists[scope].path, part, what):
            at += 1
            place = (suite.name, part.component, part.architecture, at)
            if part.is_source and not self._is_source_wanted(
                selection, paragraph.get("Package"), paragraph.get("Version")
            ):
                continue
            if (why := selection.left_out.get(place)) is not None:
                await self.refuse(declaring.named(paragraph), why.rule, why.reason, remedy=why.remedy)
                continue
            is_named = paragraph.get("Package") and paragraph.get("Version")
            if is_named and not part.is_source and place not in selection.chosen:
                continue
            match declaring.unit(paragraph):
                case Unusable(unit=lost, error=error):
                    await self.fail(lost, error)
                case unit:
                    if chain := selection.chosen.get(place):
                        self.remark(unit, "dependency", f"it came by dependency: {chain}")
                    for reason in unmet.get(at, ()):
                        self.remark(unit, "unmet-dependency", reason)
                    await self.put(unit)

    def _is_source_wanted(self, selection: Selection, name: str | None, version: str | None) -> bool:
        return not self.options.filters or (name, version) in selection.sources


def _candidates(suite: _Suite, part: Part) -> Iterator[Candidate]:
    path: Path = suite.lists[scope_of(suite.name, part)].path
    with closing(opened(path, part)) as file:
        for at, paragraph in enumerate(read_paragraphs(file, what=f"dists/{suite.name}/{part.read.path}")):
            found = candidate(paragraph, at, suite=suite.name, component=part.component, architecture=part.architecture)
            if found is not None:
                yield found


def _unmet(selection: Selection, suite: str, part: Part) -> Mapping[int, Sequence[str]]:
    told: dict[int, list[str]] = {}
    for package, reason in selection.unmet[:_TOLD]:
        if (package.suite, package.component, package.architecture) == (suite, part.component, part.architecture):
            told.setdefault(package.at, []).append(reason)
    return told


def _note_of(suites: Sequence[_Suite]) -> str:
    said = [(suite.name, part.read.path, part.read.sha256) for suite in suites for part in suite.parts]
    return hashlib.sha256(repr(said).encode()).hexdigest()

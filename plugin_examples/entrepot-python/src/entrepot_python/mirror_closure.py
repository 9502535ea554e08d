"""The first stage that follows dependencies: what is included, and what that needs, to the end."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterable, Mapping
from typing import Final

import attrs
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName

from entrepot.plugin import (
    Artifact,
    DeclarativeContent,
    Download,
    Failed,
    IntegrityError,
    InvalidMetadata,
    NotFound,
    NotHeld,
    Refused,
    Remote,
    Stage,
    Stored,
    UpstreamError,
    facts,
)
from entrepot_python.closure import Closure
from entrepot_python.core_metadata import read_requirements
from entrepot_python.declare import Declaring, Unusable, put_all, unit_of
from entrepot_python.environments import environments
from entrepot_python.filenames import version_of
from entrepot_python.include_from import read_include_from
from entrepot_python.known_needs import FileNeeds, KnownNeeds, digests_of
from entrepot_python.noted import Noted, said_in_html
from entrepot_python.pages import Pages, is_json, no_such_project, read_page
from entrepot_python.project_page import ListedFile, ProjectPage
from entrepot_python.provenance import Provenance
from entrepot_python.selection import Selection
from entrepot_python.several import each
from entrepot_python.wanted import Wanted, choose_wanted, to_be_read

#: Projects that are asked for at a time, at most; the remote's own limit may be lower.
_AT_A_TIME: Final = 20


@attrs.define
class _Visit:
    """One project, while a run finds out what of it is wanted.

    `known` is what the last run noted. `page` is there once it was read in full; of its entries
    those in `put` are declared, which is all that the specifiers `declared` choose, and `read` is
    what their files require. It `is_settled` unless a document may come when it is asked for again.
    """

    project: NormalizedName
    listed: int | None = None
    noted: Noted | None = None
    known: KnownNeeds = attrs.field(factory=KnownNeeds)
    is_unchanged: bool = False
    page: Download | None = None
    declared: frozenset[str] | None = None
    put: set[int] = attrs.field(factory=set)
    read: dict[str, FileNeeds] = attrs.field(factory=dict)
    is_settled: bool = True
    is_over: bool = False
    is_missing: bool = False


class MirrorClosure(Stage):
    """Declare what is included, and every version that a requirement of a declared file allows.

    Requirements are read from core metadata alone, as storage holds it once a file's unit is
    resolved: nothing is built, and of a unit that another stage refuses nothing is followed. A file
    is declared as soon as somebody is known to want it; the project itself, and what is left out of
    it, when nobody wants more. A project is a scope, and kept unseen when neither its page nor what
    is wanted of it has changed; what its files require was noted then.
    """

    gives = frozenset({facts.DECLARED})

    def __init__(self, remote: Remote, selection: Selection) -> None:
        self.remote = remote
        self.selection = selection
        self._pages = Pages(remote)
        self._provenance = Provenance(self, remote, selection.options.provenance)
        self._closure = Closure(environments(selection.targets, selection.options.platforms))
        self._visits: dict[NormalizedName, _Visit] = {}

    async def run(self) -> None:
        required = await asyncio.to_thread(read_include_from, self.selection.options.include_from)
        self.selection = self.selection.and_included(required)
        include = self.selection.include
        async for project, serial in self._pages.projects(include):
            self._visits[project] = _Visit(project, serial)
            self._closure.ask(project, include.specifiers(project), include.extras.get(project, ()))
        while grown := self._closure.take_grown():
            await each(grown, self._visit, at_a_time=_AT_A_TIME)
        chains = self._closure.chains()
        await each(
            sorted(self._visits),
            lambda project: self._finish(self._visits[project], chains.get(project)),
            at_a_time=_AT_A_TIME,
        )

    async def _visit(self, project: NormalizedName) -> None:
        """Find what is wanted of a project by now, and learn what that requires."""
        visit = self._visits.setdefault(project, _Visit(project))
        if visit.is_over or visit.is_missing or self.selection.exclude.whole(project):
            return
        wanted = dict(self._closure.specifiers(project))
        try:
            if visit.noted is None:
                await self._look(visit)
            if visit.is_unchanged and wanted.keys() <= visit.known.asked:
                await self._learn(visit, visit.known.of(wanted))
            else:
                await self._declare(visit, wanted)
        except NotFound as error:
            visit.is_missing = True
            if project in self.selection.include.named:
                await self._give_up(visit, no_such_project(project, error))
        except (UpstreamError, IntegrityError) as error:
            await self._give_up(visit, error.at(f"project {project!r}"))
            # What the repository has of it stays, and so must what that needs.
            await self._learn(visit, ((name, known.requires) for name, known in visit.known.files.items()))

    async def _give_up(self, visit: _Visit, error: Exception) -> None:
        visit.is_over = True
        await self.fail(unit_of(visit.project), error)
        await self.keep(visit.project)

    async def _look(self, visit: _Visit) -> None:
        """Ask whether a project has changed since the last run."""
        told = await self.context.checkpoint(visit.project)
        needs, _, noted = (told or "").partition("\n")
        visit.known = KnownNeeds.load(needs)
        visit.noted = Noted.load(noted, "") if noted else Noted()
        if visit.listed and visit.listed == visit.noted.serial:
            visit.is_unchanged = True
            return
        page = await self._pages.ask(f"{visit.project}/", visit.noted.validator)
        if page.not_modified:
            visit.is_unchanged = True
            return
        visit.page = page
        read = await asyncio.to_thread(read_page, page)
        if read.serial is not None:
            await self.context.note_freshness(f"project {visit.project}", serial=read.serial)
        is_same = page.digests["sha256"] == visit.noted.sha256
        visit.is_unchanged = is_same or (not is_json(page) and said_in_html(read) == visit.noted.in_html)

    async def _declare(self, visit: _Visit, wanted: Mapping[str, SpecifierSet]) -> None:
        """Put on every file that is wanted and was not yet, and learn what those require."""
        read, chosen, declaring = await self._choose(visit, wanted)
        fresh = [
            entry for at, entry in enumerate(read.entries) if chosen.choice.left_out[at] is None and at not in visit.put
        ]
        documents = await self._provenance.of(visit.project, declaring.url, read, fresh)
        visit.is_settled = visit.is_settled and documents.settled
        declaring = attrs.evolve(declaring, documents=documents)
        unread: list[tuple[DeclarativeContent, ListedFile, frozenset[str]]] = []
        for at, entry in enumerate(read.entries):
            if chosen.choice.left_out[at] is not None or at in visit.put:
                continue
            visit.put.add(at)
            unit = declaring.file_unit(entry, read)
            await put_all(self, [unit])
            if entry.filename not in declaring.read_by_us or not isinstance(entry, ListedFile):
                continue
            by = chosen.by[at] if chosen.by else frozenset()
            if (known := visit.known.find(entry)) is not None:
                visit.read[entry.filename] = attrs.evolve(known, by=by)
            elif not isinstance(unit, Unusable):
                unread.append((unit, entry, by))
        for unit, entry, by in unread:
            if (requires := await self._requirements(unit)) is not None:
                visit.read[entry.filename] = FileNeeds(digests_of(entry), requires, by)
        for at, by in enumerate(chosen.by):
            if (earlier := visit.read.get(read.entries[at].filename)) is not None:
                visit.read[read.entries[at].filename] = attrs.evolve(earlier, by=by)
        await self._learn(visit, ((name, each.requires) for name, each in visit.read.items()))
        visit.declared = frozenset(wanted)

    async def _page(self, visit: _Visit) -> Download:
        """The project's page in full, asked for once in a run."""
        visit.page = visit.page or await self._pages.ask(f"{visit.project}/")
        return visit.page

    async def _choose(self, visit: _Visit, wanted: Mapping[str, SpecifierSet]) -> tuple[ProjectPage, Wanted, Declaring]:
        page = await self._page(visit)
        # A page may be large, and what is wanted of it grows: it is read again rather than kept.
        read = await asyncio.to_thread(read_page, page)
        chosen = await asyncio.to_thread(choose_wanted, self.selection, visit.project, read, wanted)
        declaring = Declaring(
            project=visit.project,
            url=page.url,
            remote=self.remote,
            include=self.selection.include,
            read_by_us=to_be_read(read, chosen.choice),
        )
        declaring.check_name(read)
        return read, chosen, declaring

    async def _learn(self, visit: _Visit, files: Iterable[tuple[str, tuple[str, ...]]]) -> None:
        for filename, requires in files:
            release = f"{visit.project} {version_of(filename)}"
            for line in self._closure.learn(visit.project, release, requires):
                reason = f"{release} needs {line!r:.200}, which names nothing of an index"
                self.remark(unit_of(visit.project), "unfollowed-requirement", reason)

    async def _requirements(self, unit: DeclarativeContent) -> tuple[str, ...] | None:
        """Read what a file requires; None, and a remark, where that cannot be known."""
        try:
            await unit.resolution()
            telling = unit.d_artifacts[1 if len(unit.d_artifacts) > 1 and _is_metadata(unit) else 0]
            with tempfile.TemporaryFile() as file:
                if isinstance(telling.state, Stored):
                    stored = telling.state.artifact
                    async for chunk in self.context.open(Artifact(stored.sha256.hex(), stored.size)):
                        file.write(chunk)
                    file.seek(0)
                return await asyncio.to_thread(read_requirements, telling.relative_path, file)
        except (Failed, Refused, NotHeld):
            # It is left out, which is on record; or this run tries only what failed before.
            return None
        except InvalidMetadata as error:
            self.remark(unit, "unknown-requirements", f"what it needs is not followed: {error.what}")
            return ()

    async def _finish(self, visit: _Visit, chain: str | None) -> None:
        """Declare the project itself and what is left out of it, or keep it unseen."""
        project, wanted = visit.project, dict(self._closure.specifiers(visit.project))
        if visit.is_over:
            return
        if self.selection.exclude.whole(project):
            reason = f"exclude names it, though {chain}" if chain else "exclude names it"
            await self.refuse(unit_of(project), "exclude", reason, remedy="take it out of exclude")
            return
        if visit.is_missing:
            if chain is not None:
                remedy = "find out where it comes from, and mirror that too; an old release may need what is gone"
                reason = f"the index has no such project, though {chain}"
                await self.refuse(unit_of(project), "missing-dependency", reason, remedy=remedy)
            return
        if chain is not None:
            self.remark(unit_of(project), "dependency", f"it came by dependency: {chain}")
        if visit.is_unchanged and not visit.put and wanted.keys() == visit.known.asked:
            await self.keep(project)
            return
        try:
            await self._close(visit, wanted)
        except (UpstreamError, IntegrityError) as error:
            await self._give_up(visit, error.at(f"project {project!r}"))

    async def _close(self, visit: _Visit, wanted: Mapping[str, SpecifierSet]) -> None:
        if visit.declared != frozenset(wanted):
            await self._declare(visit, wanted)
        read, chosen, declaring = await self._choose(visit, wanted)
        await put_all(self, [declaring.project_unit(read, chosen.choice), *declaring.unwanted(read, chosen.choice)])
        needs = KnownNeeds(frozenset(wanted), visit.read).dump()
        noted = Noted.of(await self._page(visit), read, "") if visit.is_settled else Noted()
        await self.context.note_checkpoint(visit.project, f"{needs}\n{noted.dump()}")


def _is_metadata(unit: DeclarativeContent) -> bool:
    return unit.d_artifacts[1].relative_path.endswith(".metadata")

"""The first stage: asks the index for each included project, several at a time."""

from __future__ import annotations

import asyncio
from typing import Final

import attrs
from packaging.utils import NormalizedName, canonicalize_name

from entrepot.plugin import (
    Download,
    EntrepotError,
    IntegrityError,
    NotFound,
    Pulled,
    Remote,
    Stage,
    UpstreamError,
    facts,
)
from entrepot_python.declare import Declaring, put_all, unit_of
from entrepot_python.include_from import read_include_from
from entrepot_python.names import Names
from entrepot_python.noted import Noted, said_in_html
from entrepot_python.pages import Listed, Pages, is_json, no_such_project, read_page
from entrepot_python.project_page import ProjectPage
from entrepot_python.provenance import Provenance
from entrepot_python.selection import Choice, Selection

#: Projects asked for at a time, at most; the remote's own limit may be lower.
_AT_A_TIME: Final = 20

#: Bytes of a page that is read in place: the way to a thread and back would take longer.
_SMALL: Final = 64 * 1024

#: Noted of a project instead of its page.
_EXCLUDED: Final = "excluded"


class MirrorProjects(Stage):
    """Declare each included project and its files, as the index lists them.

    A project is a scope: whose page did not change is kept unseen, and is not asked for where the
    list of all projects tells that. A project that clients asked for is mirrored like one that
    `include` names, but may be gone from the index. One that cannot be read is a failed unit, and what the
    repository has of it stays. What is not to be mirrored is refused.
    """

    gives = frozenset({facts.DECLARED})

    def __init__(self, remote: Remote, selection: Selection) -> None:
        self.remote = remote
        self.selection = selection
        self._pages = Pages(remote)
        self._provenance = Provenance(self, remote, selection.options.provenance)
        self._pulled = Pulled()
        self._named: frozenset[NormalizedName] = frozenset()

    async def run(self) -> None:
        required = await asyncio.to_thread(read_include_from, self.selection.options.include_from)
        self.selection = self.selection.and_included(required, pull_through=self.context.pull_through)
        self._named = frozenset(self.selection.include.named)
        self._pulled = await self.context.pulled()
        self.selection = self.selection.and_pulled(self._pulled.groups)
        projects: asyncio.Queue[Listed | None] = asyncio.Queue(maxsize=_AT_A_TIME)
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(_AT_A_TIME):
                    group.create_task(self._work(projects))
                async for project in self._pages.projects(self._wanted()):
                    await projects.put(project)
                for _ in range(_AT_A_TIME):
                    await projects.put(None)
        except ExceptionGroup as several:
            if len(several.exceptions) > 1:
                raise
            raise several.exceptions[0] from None

    def _wanted(self) -> Names:
        """The projects that this run is about: in a pull, those that clients ask for right now."""
        if not self._pulled.alone:
            return self.selection.include
        return Names({canonicalize_name(project): () for project in self._pulled.groups})

    async def _work(self, projects: asyncio.Queue[Listed | None]) -> None:
        while (listed := await projects.get()) is not None:
            project, serial = listed
            try:
                await self._mirror(project, serial)
            except NotFound as error:
                # A project may leave the index between its list of all and the project's page.
                if project in self._named and not self._pulled.alone:
                    await self._give_up(project, no_such_project(project, error))
            except (UpstreamError, IntegrityError) as error:
                await self._give_up(project, error.at(f"project {project!r}"))

    async def _give_up(self, project: NormalizedName, error: EntrepotError) -> None:
        await self.fail(unit_of(project), error)
        await self.keep(project)

    async def _mirror(self, project: NormalizedName, listed: int | None) -> None:
        told, asked = await self.context.checkpoint(project), self.selection.asked(project)
        if self.selection.exclude.whole(project):
            await self._exclude(project, told)
            return
        noted = Noted() if self._pulled.alone else Noted.load(told, asked)
        # Some indexes have no count and say zero, always.
        if listed and listed == noted.serial:
            await self.keep(project)
            return
        page = await self._pages.ask(f"{project}/", noted.validator)
        if page.not_modified or page.digests["sha256"] == noted.sha256:
            await self.keep(project)
            return
        if page.size <= _SMALL:
            read, choice = self._read(project, page)
        else:
            read, choice = await asyncio.to_thread(self._read, project, page)
        if read.serial is not None:
            await self.context.note_freshness(f"project {project}", serial=read.serial)
        if not is_json(page) and said_in_html(read) == noted.in_html:
            await self.keep(project)
            return
        declaring = Declaring(project=project, url=page.url, remote=self.remote, include=self.selection.include)
        declaring.check_name(read)
        chosen = (entry for entry, why in zip(read.entries, choice.left_out, strict=True) if why is None)
        documents = await self._provenance.of(project, page.url, read, chosen)
        await put_all(self, attrs.evolve(declaring, documents=documents).units(read, choice))
        # Where a document may come yet, the page is asked for again, whatever the run before noted.
        now = Noted.of(page, read, asked) if documents.settled else Noted(asked=asked)
        await self.context.note_checkpoint(project, now.dump())
        if self._pulled.alone and (None in choice.left_out or not read.entries):
            await self.context.note_pulled(project)

    def _read(self, project: NormalizedName, page: Download) -> tuple[ProjectPage, Choice]:
        """Read a page and decide on its files; some list ten thousand."""
        read = read_page(page)
        return read, self.selection.choose(project, read)

    async def _exclude(self, project: NormalizedName, told: str | None) -> None:
        """Refuse a project without asking for it, and once: other options make void what was noted."""
        if told == _EXCLUDED:
            await self.keep(project)
            return
        await self.refuse(unit_of(project), "exclude", "exclude names it", remedy="take it out of exclude")
        await self.context.note_checkpoint(project, _EXCLUDED)

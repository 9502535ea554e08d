"""The first stage: asks the index for each included project, several at a time."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from typing import Final, TypeAlias

import attrs
from packaging.utils import NormalizedName, canonicalize_name, is_normalized_name

from entrepot.plugin import (
    BeyondLimits,
    Download,
    EntrepotError,
    IntegrityError,
    InvalidMetadata,
    NotFound,
    Remote,
    Stage,
    UpstreamError,
    Validator,
    facts,
    safe_url,
)
from entrepot_python.declare import Declaring, Unusable, Unwanted, unit_of
from entrepot_python.include_from import read_include_from
from entrepot_python.noted import Noted, said_in_html
from entrepot_python.project_page import ACCEPT, ProjectPage
from entrepot_python.read_html import read_html
from entrepot_python.read_json import read_json
from entrepot_python.read_root import read_root
from entrepot_python.selection import Choice, Selection

#: Projects asked for at a time, at most; the remote's own limit may be lower.
_AT_A_TIME: Final = 20

#: Bytes of one project's page, which is read as a whole; the largest there are have a third of it.
_LARGEST_PAGE: Final = 64 * 1024**2

#: A project, and the serial that the list of all has for it.
_Project: TypeAlias = tuple[NormalizedName, int | None]

#: Noted of a project instead of its page.
_EXCLUDED: Final = "excluded"

_SERIAL: Final = re.compile(r"[0-9]{1,18}", re.ASCII)

_JSON = frozenset({"application/vnd.pypi.simple.v1+json", "application/json"})
#: Media types that nobody gives to another page by accident.
_CERTAIN = frozenset({*_JSON, "application/vnd.pypi.simple.v1+html"})
_HTML = frozenset({"application/vnd.pypi.simple.v1+html", "text/html"})


class MirrorProjects(Stage):
    """Declare each included project and its files, as the index lists them.

    A project is a scope: whose page did not change is kept unseen, and is not asked for where the
    list of all projects tells that. One that cannot be read is a failed unit, and what the
    repository has of it stays. What is not to be mirrored is refused.
    """

    gives = frozenset({facts.DECLARED})

    def __init__(self, remote: Remote, selection: Selection) -> None:
        self.remote = remote
        self.selection = selection

    async def run(self) -> None:
        required = await asyncio.to_thread(read_include_from, self.selection.options.include_from)
        self.selection = self.selection.and_included(required)
        projects: asyncio.Queue[_Project | None] = asyncio.Queue(maxsize=_AT_A_TIME)
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(_AT_A_TIME):
                    group.create_task(self._work(projects))
                async for project in self._projects():
                    await projects.put(project)
                for _ in range(_AT_A_TIME):
                    await projects.put(None)
        except ExceptionGroup as several:
            if len(several.exceptions) > 1:
                raise
            raise several.exceptions[0] from None

    async def _work(self, projects: asyncio.Queue[_Project | None]) -> None:
        while (listed := await projects.get()) is not None:
            project, serial = listed
            try:
                await self._mirror(project, serial)
            except NotFound as error:
                # A project may leave the index between its list of all and the project's page.
                if project in self.selection.include.named:
                    await self._give_up(project, _no_such_project(project, error))
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
        noted = Noted.load(told, asked)
        # Some indexes have no count and say zero, always.
        if listed and listed == noted.serial:
            await self.keep(project)
            return
        page = await self._ask(f"{project}/", noted.validator)
        if page.not_modified or page.digests["sha256"] == noted.sha256:
            await self.keep(project)
            return
        read, choice = await asyncio.to_thread(self._read, project, page)
        if read.serial is not None:
            await self.context.note_freshness(f"project {project}", serial=read.serial)
        in_json = _reader(page) is read_json
        if not in_json and said_in_html(read) == noted.in_html:
            await self.keep(project)
            return
        declaring = Declaring(project=project, url=page.url, remote=self.remote, include=self.selection.include)
        for unit in declaring.units(read, choice):
            match unit:
                case Unusable(unit=lost, error=error):
                    await self.fail(lost, error)
                case Unwanted(unit=unwanted, why=why):
                    await self.refuse(unwanted, why.rule, why.reason, remedy=why.remedy)
                case _:
                    await self.put(unit)
        note = Noted(
            validator=page.validator,
            sha256=page.digests["sha256"],
            in_html=said_in_html(read) if in_json else None,
            asked=asked,
            serial=read.serial,
        )
        await self.context.note_checkpoint(project, note.dump())

    def _read(self, project: NormalizedName, page: Download) -> tuple[ProjectPage, Choice]:
        """Read a page and decide on its files, beside the loop: some list ten thousand."""
        read = _read_page(page)
        if read.serial is None:
            read = attrs.evolve(read, serial=_serial(page))
        return read, self.selection.choose(project, read)

    async def _exclude(self, project: NormalizedName, told: str | None) -> None:
        """Refuse a project without asking for it, and once: other options make void what was noted."""
        if told == _EXCLUDED:
            await self.keep(project)
            return
        await self.refuse(unit_of(project), "exclude", "exclude names it", remedy="take it out of exclude")
        await self.context.note_checkpoint(project, _EXCLUDED)

    async def _projects(self) -> AsyncIterator[_Project]:
        include = self.selection.include
        for project in sorted(include.named):
            yield project, None
        if not include.patterns:
            return
        root = await self._ask("")
        is_json = _reader(root) is read_json
        with root.path.open(encoding="utf-8") as file:
            try:
                for name, serial in read_root(file, is_json=is_json):
                    project = _normalized(name)
                    if project not in include.named and include.specifiers(project):
                        yield project, serial
            except InvalidMetadata as error:
                raise error.at(safe_url(root.url)) from None

    async def _ask(self, path: str, validator: Validator | None = None) -> Download:
        index = self.remote.url.rstrip("/")
        # A folder of files has no server that would answer for the folder.
        path += "index.html" if index.startswith("file:") else ""
        downloader = self.remote.get_downloader(f"{index}/{path}", validator=validator, headers={"Accept": ACCEPT})
        return await downloader.run()


def _normalized(name: str) -> NormalizedName:
    project = canonicalize_name(name)
    if not is_normalized_name(project):
        raise InvalidMetadata(
            f"{name!r:.80} is not the name of a project", remedy="name the projects you want in include"
        )
    return project


def _serial(page: Download) -> int | None:
    """The index's own count of changes, where it tells one: no page may be older than the last."""
    text = page.headers.get("x-pypi-last-serial", "").strip()
    return int(text) if _SERIAL.fullmatch(text) else None


def _read_page(page: Download) -> ProjectPage:
    if page.path.stat().st_size > _LARGEST_PAGE:
        raise BeyondLimits(
            f"a project's page is larger than {_LARGEST_PAGE} bytes",
            where=safe_url(page.url),
            remedy="take the project out of include, or report it to whoever runs the index",
        )
    reader = _reader(page)
    try:
        read = reader(page.path.read_bytes())
    except InvalidMetadata as error:
        raise error.at(safe_url(page.url)) from None
    if not read.entries and read.api_version is None and page.content_type not in _CERTAIN:
        raise InvalidMetadata(
            "the index answers with a web page that lists no file and does not say that it is an index's",
            where=safe_url(page.url),
            remedy="open that address in a browser: is it a login page, or one of a proxy between?",
        )
    return read


def _reader(page: Download) -> Callable[[bytes], ProjectPage]:
    match page.content_type:
        case kind if kind in _JSON:
            return read_json
        case kind if kind in _HTML or not kind:
            return read_html
        case kind:
            raise InvalidMetadata(
                f"the index answers with {kind!r:.80}, which is no form of the simple API",
                where=safe_url(page.url),
                remedy="let url end where the list of projects is: https://index.example/simple/",
            )


def _no_such_project(project: str, error: NotFound) -> NotFound:
    return NotFound(
        f"the index has no project {project!r}",
        where=error.where,
        remedy=f"look for {project!r} in the option include: is it spelt as the index spells it?",
    )

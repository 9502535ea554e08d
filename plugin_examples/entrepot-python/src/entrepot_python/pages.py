"""Asks an index for its pages, and reads them in whichever form they come."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from typing import Final, TypeAlias

import attrs
from packaging.utils import NormalizedName, canonicalize_name, is_normalized_name

from entrepot.plugin import BeyondLimits, Download, InvalidMetadata, NotFound, Remote, Validator, safe_url
from entrepot_python.names import Names
from entrepot_python.project_page import ACCEPT, ProjectPage
from entrepot_python.read_html import read_html
from entrepot_python.read_json import read_json
from entrepot_python.read_root import read_root

#: Bytes of one project's page, which is read as a whole; the largest there are have a third of it.
_LARGEST_PAGE: Final = 64 * 1024**2

#: A project, and the serial that the list of all has for it.
Listed: TypeAlias = tuple[NormalizedName, int | None]

_SERIAL: Final = re.compile(r"[0-9]{1,18}", re.ASCII)

_JSON = frozenset({"application/vnd.pypi.simple.v1+json", "application/json"})
#: Media types that nobody gives to another page by accident.
_CERTAIN = frozenset({*_JSON, "application/vnd.pypi.simple.v1+html"})
_HTML = frozenset({"application/vnd.pypi.simple.v1+html", "text/html"})


@attrs.frozen
class Pages:
    """The pages of one simple index."""

    remote: Remote

    async def projects(self, include: Names) -> AsyncIterator[Listed]:
        """List what is included: what is named in order, then what the index has that a pattern means."""
        for project in sorted(include.named):
            yield project, None
        if not include.patterns:
            return
        root = await self.ask("")
        with root.path.open(encoding="utf-8") as file:
            try:
                for name, serial in read_root(file, is_json=is_json(root)):
                    project = _normalized(name)
                    if project not in include.named and include.specifiers(project):
                        yield project, serial
            except InvalidMetadata as error:
                raise error.at(safe_url(root.url)) from None

    async def ask(self, path: str, validator: Validator | None = None) -> Download:
        """Fetch the page at a path below the index."""
        index = self.remote.url.rstrip("/")
        # A folder of files has no server that would answer for the folder.
        path += "index.html" if index.startswith("file:") else ""
        downloader = self.remote.get_downloader(f"{index}/{path}", validator=validator, headers={"Accept": ACCEPT})
        return await downloader.run()


def read_page(page: Download) -> ProjectPage:
    """Read a project's page; one that is none, or is too large, is an `InvalidMetadata`."""
    if page.size > _LARGEST_PAGE:
        raise BeyondLimits(
            f"a project's page is larger than {_LARGEST_PAGE} bytes",
            where=safe_url(page.url),
            remedy="take the project out of include, or report it to whoever runs the index",
        )
    reader = _reader(page)
    try:
        read = reader(page.read())
    except InvalidMetadata as error:
        raise error.at(safe_url(page.url)) from None
    if not read.entries and read.api_version is None and page.content_type not in _CERTAIN:
        raise InvalidMetadata(
            "the index answers with a web page that lists no file and does not say that it is an index's",
            where=safe_url(page.url),
            remedy="open that address in a browser: is it a login page, or one of a proxy between?",
        )
    return attrs.evolve(read, serial=_serial(page)) if read.serial is None else read


def is_json(page: Download) -> bool:
    """Whether a page came in JSON; raises `InvalidMetadata` for a form that no index answers in."""
    return _reader(page) is read_json


def no_such_project(project: str, error: NotFound) -> NotFound:
    """Say that a project which include names is not there."""
    return NotFound(
        f"the index has no project {project!r}",
        where=error.where,
        remedy=f"look for {project!r} in the option include: is it spelt as the index spells it?",
    )


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

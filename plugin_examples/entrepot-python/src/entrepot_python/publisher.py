"""Publishes the simple API: its root and a page for each project, in JSON and HTML."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence

import attrs

from entrepot.plugin import Published, PublishedFile, Unpublished, VersionView
from entrepot_python.content import PythonFile, PythonProject
from entrepot_python.write_html import HTML, project_html, root_html
from entrepot_python.write_json import JSON, project_json, root_json
from entrepot_python.write_legacy import legacy_path, project_legacy


@attrs.frozen
class SimplePublisher:
    """Writes the pages of projects that changed, and the root when projects came, went or changed.

    With `legacy`, each project has a page in the older JSON too. Its addresses, and everywhere those of
    mirrored provenance, are absolute and below `base_url` if that is given. Where the index counts its
    changes, each page tells the project's count.
    """

    legacy: bool = False
    base_url: str | None = None

    async def publish(self, version: VersionView) -> AsyncIterator[Published]:
        """Yield pages; a project that is gone is no longer published."""
        changed = set(await version.values(PythonProject, "project", changed=True))
        async for page in self._all_pages(version) if version.whole else self._changed_pages(version, changed):
            yield page
        if changed or version.whole:
            for media_type, root in ((JSON, root_json), *((kind, root_html) for kind in HTML)):
                yield PublishedFile("simple/", media_type, root(version.contents(PythonProject)))

    async def _all_pages(self, version: VersionView) -> AsyncIterator[Published]:
        """Read projects and files side by side: both come in the order of the projects' names."""
        files = aiter(version.contents(PythonFile))
        ahead = await anext(files, None)
        async for project in version.contents(PythonProject):
            own = []
            while ahead is not None and ahead.project <= project.project:
                if ahead.project == project.project:
                    own.append(ahead)
                ahead = await anext(files, None)
            for page in self._pages(project, own):
                yield page

    async def _changed_pages(self, version: VersionView, projects: set[str]) -> AsyncIterator[Published]:
        with_files = await version.values(PythonFile, "project", changed=True)
        for name in sorted(projects.union(with_files)):
            where = ("project", name)
            project = await anext(aiter(version.contents(PythonProject, where=where)), None)
            if project is None:
                yield Unpublished(_path(name))
                if self.legacy:
                    yield Unpublished(legacy_path(name))
                continue
            for page in self._pages(project, [file async for file in version.contents(PythonFile, where=where)]):
                yield page

    def _pages(self, project: PythonProject, files: Sequence[PythonFile]) -> Iterator[PublishedFile]:
        path, html = _path(project.project), project_html(project, files, self.base_url)
        headers = {} if project.serial is None else {"X-PyPI-Last-Serial": str(project.serial)}
        yield PublishedFile(path, JSON, project_json(project, files, self.base_url), headers)
        yield from (PublishedFile(path, media_type, html, headers) for media_type in HTML)
        if self.legacy:
            page = project_legacy(project, files, self.base_url)
            yield PublishedFile(legacy_path(project.project), "application/json", page, headers)


def _path(project: str) -> str:
    return f"simple/{project}/"

"""Writes the simple API's pages in HTML (PEP 503, 592, 629, 658, 708, 714, 740, 792)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from html import escape
from typing import Final

from entrepot_python.content import CoreMetadata, PythonFile, PythonProject
from entrepot_python.write_json import file_url, provenance_url

HTML: Final = ("application/vnd.pypi.simple.v1+html", "text/html")

#: Of several digests, the first of these goes into the link.
_PREFERRED = ("sha256", "sha512", "sha384", "sha224", "blake2b", "sha1", "md5")

_HEAD = '<!DOCTYPE html>\n<html>\n<head>\n<meta name="pypi:repository-version" content="{}">\n'


def project_html(project: PythonProject, files: Sequence[PythonFile], base_url: str | None = None) -> bytes:
    """Write a project's page; with `base_url`, addresses of mirrored provenance are absolute."""
    title = escape(project.name or project.project)
    facts = "".join(f'<meta name="pypi:{name}" content="{escape(value)}">\n' for name, value in _facts(project))
    links = "".join(f"{_link(file, base_url)}<br>\n" for file in files)
    head = f"{_HEAD.format(_api_version(project, files))}{facts}<title>Links for {title}</title>\n</head>\n"
    return f"{head}<body>\n<h1>Links for {title}</h1>\n{links}</body>\n</html>\n".encode()


async def root_html(projects: AsyncIterator[PythonProject]) -> AsyncIterator[bytes]:
    """Write the list of all projects, piece by piece; each has a line."""
    yield root_begins()
    async for project in projects:
        name = escape(project.name or project.project)
        yield f'<a href="{project.project}/">{name}</a><br>\n'.encode()
    yield root_ends()


def root_begins() -> bytes:
    """What stands before the lines of projects."""
    return f"{_HEAD.format('1.0')}<title>Simple index</title>\n</head>\n<body>\n".encode()


def root_ends() -> bytes:
    """What stands behind them."""
    return b"</body>\n</html>\n"


def _api_version(project: PythonProject, files: Sequence[PythonFile]) -> str:
    """The version that brought the latest of what is said; sizes and versions are said in JSON alone."""
    if project.status is not None:
        return "1.4"
    if any(provenance_url(file) is not None for file in files):
        return "1.3"
    return "1.2" if project.tracks or project.alternate_locations else "1.0"


def _facts(project: PythonProject) -> Iterator[tuple[str, str]]:
    if project.status is not None:
        yield "project-status", project.status
    if project.status_reason is not None:
        yield "project-status-reason", project.status_reason
    yield from (("tracks", url) for url in project.tracks)
    yield from (("alternate-locations", url) for url in project.alternate_locations)


def _link(file: PythonFile, base_url: str | None) -> str:
    attributes = "".join(f' {name}="{escape(value)}"' for name, value in _attributes(file, base_url))
    return f"<a{attributes}>{escape(file.filename)}</a>"


def _attributes(file: PythonFile, base_url: str | None) -> Iterator[tuple[str, str]]:
    digest = _digest(file.hashes)
    yield "href", f"{file_url(file)}#{digest}" if digest else file_url(file)
    if file.requires_python is not None:
        yield "data-requires-python", file.requires_python
    if file.yanked:
        yield "data-yanked", file.yanked if isinstance(file.yanked, str) else ""
    if file.gpg_sig is not None:
        yield "data-gpg-sig", "true" if file.gpg_sig else "false"
    if (provenance := provenance_url(file, base_url)) is not None:
        yield "data-provenance", provenance
    if file.core_metadata:
        said = _metadata(file.core_metadata)
        yield "data-core-metadata", said
        yield "data-dist-info-metadata", said


def _metadata(core_metadata: CoreMetadata) -> str:
    return (_digest(core_metadata) if isinstance(core_metadata, Mapping) else "") or "true"


def _digest(hashes: Mapping[str, str]) -> str:
    algorithm = next((name for name in _PREFERRED if name in hashes), None)
    return f"{algorithm}={hashes[algorithm]}" if algorithm else ""

"""Writes the simple API's pages in JSON (PEP 691, 700, 708, 714, 740, 792)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any, Final
from urllib.parse import quote, urljoin

import msgspec

from entrepot_python.content import PythonFile, PythonProject, file_path, provenance_path

JSON: Final = "application/vnd.pypi.simple.v1+json"

_encode = msgspec.json.Encoder(order="deterministic").encode


def project_json(project: PythonProject, files: Sequence[PythonFile], base_url: str | None = None) -> bytes:
    """Write a project's page; what the upstream did not say is left out.

    With `base_url`, where the repository is served, addresses of mirrored provenance are absolute.
    """
    page: dict[str, Any] = {
        "meta": {"api-version": _api_version(project, files)},
        "name": project.name or project.project,
        "files": [_file(file, base_url) for file in files],
    }
    if project.serial is not None:
        page["meta"]["_last-serial"] = project.serial
    if project.tracks:
        page["meta"]["tracks"] = project.tracks
    if project.versions is not None:
        page["versions"] = project.versions
    if project.alternate_locations:
        page["alternate-locations"] = project.alternate_locations
    if project.status is not None:
        reason = {} if project.status_reason is None else {"reason": project.status_reason}
        page["project-status"] = {"status": project.status, **reason}
    return _encode(page)


def _api_version(project: PythonProject, files: Sequence[PythonFile]) -> str:
    """The version that asks for no more than is there: from 1.1 on, sizes and versions are a must."""
    if project.versions is None or any(file.size is None for file in files):
        return "1.0"
    if project.status is not None:
        return "1.4"
    if any(provenance_url(file) is not None for file in files):
        return "1.3"
    return "1.2" if project.tracks or project.alternate_locations else "1.1"


def _file(file: PythonFile, base_url: str | None) -> dict[str, Any]:
    said: dict[str, Any] = {
        "filename": file.filename,
        "url": file_url(file),
        "hashes": file.hashes,
        "requires-python": file.requires_python,
        "size": file.size,
        "upload-time": file.upload_time,
        # Clients older than PEP 714 know the second name only.
        "core-metadata": file.core_metadata,
        "dist-info-metadata": file.core_metadata,
        "gpg-sig": file.gpg_sig,
        "provenance": provenance_url(file, base_url),
        "yanked": file.yanked,
    }
    return {name: value for name, value in said.items() if value is not None}


def file_url(file: PythonFile, base_url: str | None = None) -> str:
    """Say where a file is, seen from its project's page: the same in every version."""
    return _url(file_path(file.project, file.filename), base_url)


def provenance_url(file: PythonFile, base_url: str | None = None) -> str | None:
    """Say where a file's attestations are: beside it if mirrored, else at the index."""
    if file.provenance_sha256 is None:
        return file.provenance
    return _url(provenance_path(file.project, file.filename), base_url)


def _url(path: str, base_url: str | None) -> str:
    return f"../../{quote(path)}" if base_url is None else urljoin(base_url, quote(path))


async def root_json(projects: AsyncIterator[PythonProject]) -> AsyncIterator[bytes]:
    """Write the list of all projects, piece by piece."""
    yield b'{"meta":{"api-version":"1.0"},"projects":['
    comma = b""
    async for project in projects:
        serial = {} if project.serial is None else {"_last-serial": project.serial}
        yield comma + _encode({"name": project.name or project.project, **serial})
        comma = b","
    yield b"]}"

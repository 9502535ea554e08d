"""Writes what older tools read of a project, in the form of `/pypi/NAME/json`."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import msgspec
from packaging.version import Version

from entrepot_python.content import PythonFile, PythonProject
from entrepot_python.filenames import read_filename
from entrepot_python.options import Kind
from entrepot_python.write_json import file_url

_encode = msgspec.json.Encoder(order="deterministic").encode

_TYPES: Final[Mapping[Kind, str]] = {"wheel": "bdist_wheel", "sdist": "sdist", "egg": "bdist_egg"}


def legacy_path(project: str) -> str:
    """Say where it is published: as deep as a project's page, so that files are named alike."""
    return f"pypi/{project}/json"


def project_legacy(project: PythonProject, files: Sequence[PythonFile], base_url: str | None = None) -> bytes:
    """Write releases and their files; a file whose name does not tell its version is in none.

    What no page of the simple API says (summary, author, downloads) is not made up. With `base_url`,
    where the repository is served, addresses of files are absolute: older tools resolve none.
    """
    releases: dict[Version, list[PythonFile]] = {}
    for file in files:
        if (version := read_filename(file.filename).version) is not None:
            releases.setdefault(version, []).append(file)
    latest = _latest(releases)
    newest = releases.get(latest, []) if latest is not None else []
    page = {
        "info": {
            "name": project.name or project.project,
            "version": None if latest is None else str(latest),
            "requires_python": next((file.requires_python for file in newest if file.requires_python), None),
            **_yanked(newest),
        },
        "releases": {
            str(version): [_file(file, base_url) for file in releases[version]] for version in sorted(releases)
        },
        "urls": [_file(file, base_url) for file in newest],
        **({} if project.serial is None else {"last_serial": project.serial}),
    }
    return _encode(page)


def _latest(releases: Mapping[Version, Sequence[PythonFile]]) -> Version | None:
    """The newest final release that is not yanked; else the newest of what there is."""
    usable = [version for version, files in releases.items() if not all(file.yanked for file in files)]
    usable = usable or list(releases)
    return max([version for version in usable if not version.is_prerelease] or usable, default=None)


def _yanked(files: Sequence[PythonFile]) -> dict[str, Any]:
    yanked = bool(files) and all(file.yanked for file in files)
    reasons = [file.yanked for file in files if isinstance(file.yanked, str)]
    return {"yanked": yanked, "yanked_reason": reasons[0] if yanked and reasons else None}


def _file(file: PythonFile, base_url: str | None) -> dict[str, Any]:
    told = read_filename(file.filename)
    return {
        "filename": file.filename,
        "url": file_url(file, base_url),
        "digests": file.hashes,
        "md5_digest": file.hashes.get("md5"),
        "size": file.size,
        "upload_time": _in_utc(file.published_at()),
        "upload_time_iso_8601": file.upload_time,
        "packagetype": _TYPES.get(told.kind),
        "python_version": "source"
        if told.kind == "sdist"
        else ".".join(sorted({tag.interpreter for tag in told.tags})),
        "requires_python": file.requires_python,
        "has_sig": bool(file.gpg_sig),
        **_yanked([file]),
    }


def _in_utc(moment: datetime.datetime | None) -> str | None:
    """Write a moment without its zone; None for one before the first year or after the last."""
    if moment is not None:
        with suppress(OverflowError):
            return moment.astimezone(datetime.UTC).replace(microsecond=0, tzinfo=None).isoformat()
    return None

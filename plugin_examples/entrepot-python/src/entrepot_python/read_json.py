"""Reads a project's page in JSON (PEP 691, 700, 708, 714, 740, 792)."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from entrepot.plugin import InvalidMetadata
from entrepot_python.content import CoreMetadata
from entrepot_python.project_page import Entry, ListedFile, ProjectPage, UnusableFile, check_api_version

T = TypeVar("T")

#: Around a key and its value.
_QUOTES = 4


class _File(msgspec.Struct):
    filename: str
    url: str
    hashes: msgspec.Raw
    requires_python: str | None = msgspec.field(default=None, name="requires-python")
    yanked: bool | str | None = None
    size: int | None = None
    upload_time: str | None = msgspec.field(default=None, name="upload-time")
    core_metadata: bool | dict[str, str] | None = msgspec.field(default=None, name="core-metadata")
    gpg_sig: bool | None = msgspec.field(default=None, name="gpg-sig")
    provenance: str | None = None
    # The key had another name before PEP 714, and at the largest index yet another.
    dist_info_metadata: bool | dict[str, str] | None = msgspec.field(default=None, name="dist-info-metadata")
    data_dist_info_metadata: bool | dict[str, str] | None = msgspec.field(default=None, name="data-dist-info-metadata")


class _Meta(msgspec.Struct):
    api_version: str = msgspec.field(default="1.0", name="api-version")
    tracks: tuple[str, ...] = ()
    # No PEP has it; the largest index does, and mirrors ask for it.
    last_serial: Any = msgspec.field(default=None, name="_last-serial")


class _Status(msgspec.Struct):
    status: str | None = None
    reason: str | None = None


class _Page(msgspec.Struct):
    files: list[msgspec.Raw]
    name: str | None = None
    meta: _Meta = msgspec.field(default_factory=_Meta)
    versions: tuple[str, ...] | None = None
    project_status: _Status | None = msgspec.field(default=None, name="project-status")
    alternate_locations: tuple[str, ...] = msgspec.field(default=(), name="alternate-locations")


class _Named(msgspec.Struct):
    filename: Any = None


def read_json(body: bytes) -> ProjectPage:
    """Read a page; a file that breaks the rules becomes an entry that says so."""
    page = decode(body, _Page)
    check_api_version(page.meta.api_version)
    status = page.project_status or _Status()
    return ProjectPage(
        name=page.name,
        entries=tuple(_entry(raw) for raw in page.files),
        versions=page.versions,
        status=status.status,
        status_reason=status.reason,
        tracks=page.meta.tracks,
        alternate_locations=page.alternate_locations,
        serial=page.meta.last_serial if type(page.meta.last_serial) is int else None,
    )


def decode(body: bytes | msgspec.Raw, form: type[T]) -> T:
    """Decode JSON from outside; whatever is wrong with it is `InvalidMetadata`."""
    try:
        return msgspec.json.decode(body, type=form)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidMetadata(
            f"the page is not what PEP 691 describes: {error}", remedy="report it to whoever runs the index"
        ) from error


def _entry(raw: msgspec.Raw) -> Entry:
    try:
        file = decode(raw, _File)
        hashes = _hashes(file.hashes)
    except InvalidMetadata as error:
        return UnusableFile(_name(raw), error)
    return ListedFile(
        filename=file.filename,
        url=file.url.partition("#")[0],
        hashes=hashes,
        requires_python=file.requires_python,
        yanked=file.yanked or False,
        size=file.size,
        upload_time=file.upload_time,
        core_metadata=_core_metadata(file),
        gpg_sig=file.gpg_sig,
        provenance=file.provenance or None,
    )


def _hashes(raw: msgspec.Raw) -> dict[str, str]:
    """Read digests by name; one that stands there twice is refused, for readers take either."""
    hashes = decode(raw, dict[str, str])
    if bytes(raw).count(b'"') != _QUOTES * len(hashes):
        raise InvalidMetadata(
            "a digest of a file is told twice, or not plainly", remedy="report it to whoever runs the index"
        )
    return hashes


def _core_metadata(file: _File) -> CoreMetadata:
    for said in (file.core_metadata, file.dist_info_metadata, file.data_dist_info_metadata):
        if said is not None:
            return said or None
    return None


def _name(raw: msgspec.Raw) -> str:
    try:
        name = decode(raw, _Named).filename
    except InvalidMetadata:
        name = None
    return name if isinstance(name, str) else "a file without a name"

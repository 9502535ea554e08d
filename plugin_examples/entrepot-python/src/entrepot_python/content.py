"""What an index says: about a project, and about each of its files."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TypeAlias

import attrs

from entrepot.plugin import Content, key

#: True, or the digests of the metadata file by algorithm; None when there is none.
CoreMetadata: TypeAlias = bool | Mapping[str, str] | None


@attrs.frozen
class PythonProject(Content):
    """A project, apart from its files; what is absent upstream is empty here.

    `versions` are those that the repository includes, None when the index lists none. `serial` is the
    index's count of changes when the project last changed, None where it counts none.
    """

    TYPE = "python.project"

    project: str = key(indexed=True)
    name: str = ""
    versions: tuple[str, ...] | None = None
    status: str | None = None
    status_reason: str | None = None
    tracks: tuple[str, ...] = ()
    alternate_locations: tuple[str, ...] = ()
    serial: int | None = None


@attrs.frozen
class PythonFile(Content):
    """A distribution file, as the project's page lists it.

    `yanked` is False, True, or the reason. `upload_time` is the index's own text. `gpg_sig` says
    whether there is a signature beside the file, None when nothing says so. `provenance` is the
    absolute URL of the file's attestations, at the index; `provenance_sha256` is the digest of the
    document that is mirrored with the file, None where none is.
    """

    TYPE = "python.file"

    project: str = key(indexed=True)
    filename: str = key()
    hashes: Mapping[str, str] = attrs.field(factory=dict)
    requires_python: str | None = None
    yanked: bool | str = False
    size: int | None = None
    upload_time: str | None = None
    core_metadata: CoreMetadata = None
    gpg_sig: bool | None = None
    provenance: str | None = None
    provenance_sha256: str | None = None

    def published_at(self) -> datetime.datetime | None:
        """The upload time; None where there is none, or none that can be read."""
        try:
            said = datetime.datetime.fromisoformat(self.upload_time or "")
        except ValueError:
            return None
        return said if said.tzinfo is not None else said.replace(tzinfo=datetime.UTC)

    def known_as(self) -> tuple[str, ...]:
        """Its project, its file's name, and NAME==VERSION where the file's name tells the version."""
        from entrepot_python.filenames import version_of  # noqa: PLC0415  # every command loads this module

        version = version_of(self.filename)
        release = () if version is None else (f"{self.project}=={version}",)
        return (*super().known_as(), *release)


def file_path(project: str, filename: str) -> str:
    """Say where a file is served, below the repository's root."""
    return f"packages/{project}/{filename}"


def provenance_path(project: str, filename: str) -> str:
    """Say where the document of a file's provenance is served, if it is mirrored: beside the file."""
    return f"{file_path(project, filename)}.provenance"

"""Takes wheels and source distributions that somebody uploads, and what they say of themselves."""

from __future__ import annotations

import datetime
import hashlib
import re
from collections.abc import Iterable, Sequence
from typing import Final

import attrs
from packaging.metadata import RawMetadata
from packaging.specifiers import SpecifierSet
from packaging.utils import (
    NormalizedName,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import Version

from entrepot.plugin import Accepted, Content, InvalidMetadata, Unacceptable, Upload, VersionView
from entrepot_python.content import PythonFile, PythonProject, file_path
from entrepot_python.core_metadata import parse_metadata, read_metadata
from entrepot_python.filenames import read_filename, version_of

#: The forms of a source distribution that are taken: PEP 625's, and the one of Windows before it.
_SDISTS: Final = (".tar.gz", ".zip")

#: What names of files are made of; those of tags are looked at by nobody else, and may have a folder in them.
_NAME: Final = re.compile(r"[A-Za-z0-9._+!-]+", re.ASCII)

#: What a form calls the kinds of files that are taken.
_FILETYPES: Final = {"wheel": "bdist_wheel", "sdist": "sdist"}

#: Parts of a form that would have to be served beside the file, and are not.
_UNSERVED: Final = ("attestations", "gpg_signature")


@attrs.frozen
class TakeDistribution:
    """Holds a file's name (PEP 427, PEP 625), its own metadata and what the form says to be one thing.

    The metadata of a wheel is served beside it (PEP 658). Nothing in the form is believed beyond that.
    """

    def read(self, upload: Upload) -> Accepted:
        """Read the core metadata inside, within bounds, and run nothing."""
        project, version, kind = _named(upload.filename)
        body, said = _metadata(upload)
        _check_name(said, project, version)
        _check_form(upload, project, version, kind)
        path = file_path(project, upload.filename)
        hashes = {"sha256": upload.received.sha256.hex()}
        content = PythonFile(
            project=project,
            filename=upload.filename,
            hashes=hashes,
            requires_python=_requires_python(said),
            size=upload.received.size,
            upload_time=_moment(upload.moment),
            core_metadata={"sha256": hashlib.sha256(body).hexdigest()} if kind == "wheel" else None,
        )
        return Accepted(
            content=content, relative_path=path, beside={f"{path}.metadata": body} if kind == "wheel" else {}
        )

    async def along(self, contents: Sequence[Content], held: VersionView) -> Sequence[Content]:
        """The projects that files were uploaded for, with all their versions."""
        files = [content for content in contents if isinstance(content, PythonFile)]
        return [await _project(project, held, new=files) for project in sorted({file.project for file in files})]

    async def without(self, contents: Sequence[Content], held: VersionView) -> Sequence[Content]:
        """The projects of those files, with the versions that are left; one with none still has its name."""
        files = [content for content in contents if isinstance(content, PythonFile)]
        return [await _project(project, held, gone=files) for project in sorted({file.project for file in files})]


async def _project(
    project: str, held: VersionView, *, new: Sequence[PythonFile] = (), gone: Sequence[PythonFile] = ()
) -> PythonProject:
    where, names = ("project", project), {file.filename for file in gone}
    files = [file async for file in held.contents(PythonFile, where=where) if file.filename not in names]
    files += [file for file in new if file.project == project]
    before = await anext(aiter(held.contents(PythonProject, where=where)), PythonProject(project=project, name=project))
    return attrs.evolve(before, versions=_versions(files))


def _versions(files: Iterable[PythonFile]) -> tuple[str, ...]:
    return tuple(map(str, sorted({version for file in files if (version := version_of(file.filename)) is not None})))


def _named(filename: str) -> tuple[NormalizedName, Version, str]:
    """The project, version and kind that a file's name tells."""
    kind = read_filename(filename)
    if kind.version is None or kind.kind not in _FILETYPES or not _NAME.fullmatch(filename):
        raise _refused(f"{filename!r:.120} is not the name of a wheel or a source distribution")
    if kind.kind == "wheel":
        return parse_wheel_filename(filename)[0], kind.version, "wheel"
    if not filename.endswith(_SDISTS):
        raise _refused(f"{filename!r:.120} is a source distribution of a form that is no longer built")
    return parse_sdist_filename(filename)[0], kind.version, "sdist"


def _metadata(upload: Upload) -> tuple[bytes, RawMetadata]:
    try:
        with upload.received.path.open("rb") as file:
            body = read_metadata(upload.filename, file)
        return body, parse_metadata(body)
    except InvalidMetadata as error:
        raise _refused(error.what) from error


def _check_name(said: RawMetadata, project: NormalizedName, version: Version) -> None:
    """Refuse a file that says inside that it is something else."""
    name, number = said.get("name", ""), said.get("version", "")
    try:
        if canonicalize_name(name, validate=True) == project and Version(number) == version:
            return
    except ValueError:  # no name, no version, or one of more digits than Python turns into a number
        pass
    raise _refused(f"its metadata is of {name!r:.80} {number!r:.40}, and its name says {project} {version}")


def _requires_python(said: RawMetadata) -> str | None:
    asked = said.get("requires_python")
    try:
        SpecifierSet(asked or "")
    except ValueError as error:
        raise _refused(f"its Requires-Python is {asked!r:.80}, which no installer can read") from error
    return asked


def _check_form(upload: Upload, project: NormalizedName, version: Version, kind: str) -> None:
    """Refuse a form that is about another file, or that comes with what would go unserved."""
    name, number, filetype = upload.said("name"), upload.said("version"), upload.said("filetype")
    if name is not None and canonicalize_name(name) != project:
        raise _refused(f"the form says that it is of project {name!r:.80}, and its name says {project}")
    try:
        is_same = number is None or Version(number) == version
    except ValueError:
        is_same = False
    if not is_same:
        raise _refused(f"the form says that it is version {number!r:.40}, and its name says {version}")
    if filetype not in (None, _FILETYPES[kind]):
        raise _refused(f"the form says that it is a {filetype!r:.40}, and its name says {_FILETYPES[kind]}")
    for field in _UNSERVED:
        if field in upload.fields:
            raise Unacceptable(f"{field} would not be served", remedy="upload the file without it")


def _moment(seconds: float) -> str:
    """An upload time as PEP 700 has it."""
    return f"{datetime.datetime.fromtimestamp(seconds, datetime.UTC):%Y-%m-%dT%H:%M:%S.%fZ}"


def _refused(reason: str) -> Unacceptable:
    return Unacceptable(reason, remedy="build it again: python -m build, or uv build")

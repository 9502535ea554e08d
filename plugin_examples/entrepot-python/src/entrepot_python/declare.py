"""Turns what a page lists into units: content, artifacts, and where the bytes are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set

import attrs
from packaging.utils import NormalizedName, canonicalize_name

from entrepot.plugin import (
    Artifact,
    DeclarativeArtifact,
    DeclarativeContent,
    EntrepotError,
    InvalidMetadata,
    Remote,
    Stage,
    relative_path,
    safe_url,
)
from entrepot_python.address import beside, download_url, shown_url
from entrepot_python.content import PythonFile, PythonProject, file_path, provenance_path
from entrepot_python.names import Names
from entrepot_python.project_page import ListedFile, ProjectPage, UnusableFile
from entrepot_python.provenance import Documents
from entrepot_python.rules import LeftOut
from entrepot_python.selection import Choice

#: Digests that can name bytes which nobody has looked at yet.
_STRONG = ("sha256", "sha512", "sha384", "blake2b", "sha224")


@attrs.frozen
class Unusable:
    """A listed file that cannot be declared, as a unit to give up on, and why."""

    unit: DeclarativeContent
    error: EntrepotError


@attrs.frozen
class Unwanted:
    """A project or a listed file that is not to be mirrored, as a unit to refuse, and why."""

    unit: DeclarativeContent
    why: LeftOut


@attrs.frozen(kw_only=True)
class Declaring:
    """All that is needed to declare a page: whose, from where, and what of it is wanted.

    What stands in `read_by_us`, by filename, comes during the sync whatever the policy: its metadata
    file, or the file itself where the index has none. `documents` are those of provenance to be mirrored.
    """

    project: NormalizedName
    url: str
    remote: Remote
    include: Names
    read_by_us: Set[str] = frozenset()
    documents: Documents = attrs.field(factory=Documents)

    def units(self, page: ProjectPage, choice: Choice) -> Iterator[DeclarativeContent | Unusable | Unwanted]:
        """Yield the project's unit, then one for each file, in the page's order."""
        yield self.project_unit(page, choice)
        for entry, why in zip(page.entries, choice.left_out, strict=True):
            yield self.file_unit(entry, page) if why is None else Unwanted(self._named(entry.filename), why)

    def project_unit(self, page: ProjectPage, choice: Choice) -> DeclarativeContent | Unwanted:
        """The project's own unit; unwanted where no file of it is wanted."""
        self.check_name(page)
        if page.entries and None not in choice.left_out:
            return self._nothing_left(choice)
        return DeclarativeContent(self._project(page, choice), scope=self.project)

    def unwanted(self, page: ProjectPage, choice: Choice) -> Iterator[Unwanted]:
        """The files that are left out, in the page's order."""
        for entry, why in zip(page.entries, choice.left_out, strict=True):
            if why is not None:
                yield Unwanted(self._named(entry.filename), why)

    def _nothing_left(self, choice: Choice) -> Unwanted:
        rules = sorted({why.rule for why in choice.left_out if why is not None})
        if rules == ["include"] and self.project in self.include.named:
            raise InvalidMetadata(
                f"project {self.project!r} has no file of a version that include admits",
                where=safe_url(self.url),
                remedy=f"widen what include says of {self.project!r}, or take it out",
            )
        reason = f"every one of its {len(choice.left_out)} files is left out, by {', '.join(rules)}"
        return Unwanted(unit_of(self.project), LeftOut("no-files", reason, "see what leaves out its files"))

    def _named(self, filename: str) -> DeclarativeContent:
        return DeclarativeContent(PythonFile(project=self.project, filename=filename), scope=self.project)

    def check_name(self, page: ProjectPage) -> None:
        """Raise `InvalidMetadata` for a page that is about another project."""
        if page.name is not None and canonicalize_name(page.name) != self.project:
            raise InvalidMetadata(
                f"the page of project {self.project!r} is about {page.name!r:.80}",
                where=safe_url(self.url),
                remedy="report it to whoever runs the index",
            )

    def _project(self, page: ProjectPage, choice: Choice) -> PythonProject:
        return PythonProject(
            project=self.project,
            name=page.name or self.project,
            versions=choice.versions,
            status=page.status,
            status_reason=page.status_reason,
            tracks=page.tracks,
            alternate_locations=page.alternate_locations,
            serial=page.serial,
        )

    def file_unit(self, entry: ListedFile | UnusableFile, page: ProjectPage) -> DeclarativeContent | Unusable:
        """The unit of one listed file."""
        content = PythonFile(project=self.project, filename=entry.filename)
        try:
            if isinstance(entry, UnusableFile):
                raise entry.error
            file = self._as_vouched(entry)
            content = _content(self.project, file, shown_url(self.url, page.base, file.provenance))
            return self._with_document(content, file, [*self._artifacts(file, page)])
        except EntrepotError as error:
            unit = DeclarativeContent(content, scope=self.project)
            return Unusable(unit, error.at(f"file {entry.filename!r:.120} of project {self.project!r}"))

    def _as_vouched(self, file: ListedFile) -> ListedFile:
        """The file without what lies beside it and nothing strong vouches for: pip does without.

        No index gives a digest of a signature, so a mark that there is one goes with it.
        """
        if self.remote.access.allow_weak_digests or (file.core_metadata is None and not file.gpg_sig):
            return file
        hashes = file.core_metadata if isinstance(file.core_metadata, Mapping) else {}
        return attrs.evolve(
            file,
            core_metadata=file.core_metadata if _is_strong(hashes) else None,
            gpg_sig=file.gpg_sig and None,
        )

    def _with_document(
        self, content: PythonFile, file: ListedFile, artifacts: Sequence[DeclarativeArtifact]
    ) -> DeclarativeContent:
        """Add the file's document of provenance. No index vouches for one: it was fetched, and checked."""
        document = self.documents.of(file)
        if document is None:
            return DeclarativeContent(content, artifacts, scope=self.project)
        path = provenance_path(self.project, file.filename)
        further = DeclarativeArtifact(
            document.artifact, document.url, path, self.remote, extra_data={"document": document}
        )
        content = attrs.evolve(content, provenance_sha256=document.sha256)
        return DeclarativeContent(content, [*artifacts, further], scope=self.project)

    def _artifacts(self, file: ListedFile, page: ProjectPage) -> Iterator[DeclarativeArtifact]:
        url = download_url(self.url, page.base, file.url)
        _check_filename(file.filename)
        artifact = _artifact(file.hashes, file.size)
        path, remote = file_path(self.project, file.filename), self.remote
        is_read = file.filename in self.read_by_us
        later = remote.deferred and not (is_read and not file.core_metadata)
        yield DeclarativeArtifact(artifact, url, path, remote, deferred_download=later)
        if file.core_metadata:
            hashes = file.core_metadata if isinstance(file.core_metadata, Mapping) else {}
            later = remote.deferred and _is_strong(hashes) and not is_read
            yield DeclarativeArtifact(
                _artifact(hashes), beside(url, ".metadata"), f"{path}.metadata", remote, deferred_download=later
            )
        if file.gpg_sig:
            yield DeclarativeArtifact(Artifact(), beside(url, ".asc"), f"{path}.asc", remote)


async def put_all(stage: Stage, units: Iterable[DeclarativeContent | Unusable | Unwanted]) -> None:
    """Put on what is wanted, in order; give up on what is unusable, and refuse what is not wanted."""
    for unit in units:
        match unit:
            case Unusable(unit=lost, error=error):
                await stage.fail(lost, error)
            case Unwanted(unit=unwanted, why=why):
                await stage.refuse(unwanted, why.rule, why.reason, remedy=why.remedy)
            case _:
                await stage.put(unit)


def unit_of(project: NormalizedName) -> DeclarativeContent:
    """The unit of a project of which nothing but its name is told."""
    return DeclarativeContent(PythonProject(project=project), scope=project)


def _content(project: str, file: ListedFile, provenance: str | None) -> PythonFile:
    return PythonFile(
        project=project,
        filename=file.filename,
        hashes=file.hashes,
        requires_python=file.requires_python,
        yanked=file.yanked,
        size=file.size,
        upload_time=file.upload_time,
        core_metadata=file.core_metadata,
        gpg_sig=file.gpg_sig,
        provenance=provenance,
    )


def _check_filename(filename: str) -> None:
    relative_path(filename)
    if "/" in filename:
        raise InvalidMetadata(f"{filename!r:.120} is a path, not the name of a file")


def _artifact(hashes: Mapping[str, str], size: int | None = None) -> Artifact:
    return Artifact(
        size=size,
        sha256=hashes.get("sha256"),
        sha512=hashes.get("sha512"),
        sha384=hashes.get("sha384"),
        blake2b=hashes.get("blake2b"),
        sha224=hashes.get("sha224"),
        sha1=hashes.get("sha1"),
        md5=hashes.get("md5"),
    )


def _is_strong(hashes: Mapping[str, str]) -> bool:
    return any(algorithm in _STRONG for algorithm in hashes)

"""Turns what an index lists into units: content, artifacts, and where the bytes are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import quote

import attrs

from entrepot.plugin import (
    Artifact,
    DeclarativeArtifact,
    DeclarativeContent,
    EntrepotError,
    InvalidMetadata,
    Remote,
    relative_path,
)
from entrepot_deb.content import DebPackage, DebSource
from entrepot_deb.paragraphs import Paragraph, render

_FILE = re.compile(r"(?P<sha256>[0-9a-fA-F]{64})[ \t]+(?P<size>[0-9]{1,15})[ \t]+(?P<name>\S+)")

_SIZE = re.compile(r"[0-9]{1,15}")

#: Files of one source package; the largest have some dozens.
_MOST_FILES: Final = 1000


@attrs.frozen
class Unusable:
    """A listed package that cannot be declared, as a unit to give up on, and why."""

    unit: DeclarativeContent
    error: EntrepotError


@attrs.frozen(kw_only=True)
class Declaring:
    """All that is needed to declare the packages of one index: whose they are, and from where.

    The remote's URL is the archive's folder, and ends with a slash.
    """

    suite: str
    component: str
    architecture: str
    remote: Remote
    scope: str
    what: str

    def unit(self, paragraph: Paragraph) -> DeclarativeContent | Unusable:
        """Make the unit of one paragraph; one that breaks the rules costs the others nothing."""
        is_source = self.architecture == "source"
        try:
            content = self._source(paragraph) if is_source else self._package(paragraph)
            found = list(self._source_files(paragraph) if is_source else self._package_file(paragraph))
            return DeclarativeContent(content, found, scope=self.scope)
        except EntrepotError as error:
            return Unusable(self.named(paragraph), error.at(f"{self.what}, line {paragraph.line}"))

    def named(self, paragraph: Paragraph) -> DeclarativeContent:
        """A unit with as much of a name as there is; never an empty one."""
        name = paragraph.get("Package") or f"line {paragraph.line}"
        version = paragraph.get("Version") or "?"
        if self.architecture == "source":
            return DeclarativeContent(DebSource(self.suite, self.component, name, version), scope=self.scope)
        content = DebPackage(
            self.suite, self.component, self.architecture, name, version, paragraph.get("Architecture") or "?"
        )
        return DeclarativeContent(content, scope=self.scope)

    def _package(self, paragraph: Paragraph) -> DebPackage:
        return DebPackage(
            suite=self.suite,
            component=self.component,
            listed_for=self.architecture,
            name=_field(paragraph, "Package"),
            version=_field(paragraph, "Version"),
            architecture=_field(paragraph, "Architecture"),
            paragraph=render(paragraph),
        )

    def _source(self, paragraph: Paragraph) -> DebSource:
        return DebSource(
            suite=self.suite,
            component=self.component,
            name=_field(paragraph, "Package"),
            version=_field(paragraph, "Version"),
            paragraph=render(paragraph),
        )

    def _package_file(self, paragraph: Paragraph) -> Iterator[DeclarativeArtifact]:
        size = _field(paragraph, "Size")
        if not _SIZE.fullmatch(size):
            raise _broken(f"its Size is {size!r:.40}")
        artifact = Artifact(sha256=_field(paragraph, "SHA256"), size=int(size))
        yield self._where(artifact, _field(paragraph, "Filename"))

    def _source_files(self, paragraph: Paragraph) -> Iterator[DeclarativeArtifact]:
        folder, lines = _field(paragraph, "Directory"), paragraph.lines("Checksums-Sha256")
        if not lines or len(lines) > _MOST_FILES:
            raise _broken(f"it has {len(lines)} files with SHA256")
        for line in lines:
            file = _FILE.fullmatch(line)
            if file is None or "/" in file["name"]:
                raise _broken(f"{line!r:.120} is no digest, size and name")
            artifact = Artifact(sha256=file["sha256"], size=int(file["size"]))
            yield self._where(artifact, f"{folder}/{file['name']}")

    def _where(self, artifact: Artifact, path: str) -> DeclarativeArtifact:
        path = relative_path(path.removeprefix("./"))
        # A path that was checked climbs nowhere, so it need not be resolved, which would take half the time.
        url = f"{self.remote.url}{quote(path)}"
        return DeclarativeArtifact(artifact, url, path, self.remote, deferred_download=self.remote.deferred)


def _field(paragraph: Paragraph, name: str) -> str:
    value = paragraph.get(name)
    if not value or "\n" in value:
        raise _broken(f"it has no {name}")
    return value


def _broken(why: str) -> InvalidMetadata:
    return InvalidMetadata(f"a listed package cannot be used: {why}", remedy="report it to whoever runs the archive")

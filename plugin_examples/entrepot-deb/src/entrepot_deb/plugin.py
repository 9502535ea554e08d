"""What this plugin registers with entrepot."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from entrepot.plugin import Content, FirstStage, Importer, Published, Publisher, RunContext, VersionView, hookimpl
from entrepot_deb.apt_sources import import_apt_sources
from entrepot_deb.content import DebIndex, DebPackage, DebRelease, DebSource
from entrepot_deb.mirror_suites import MirrorSuites
from entrepot_deb.options import DebOptions


@hookimpl
def entrepot_register_content_types() -> Sequence[type[Content]]:
    """A suite, its indices, and the packages that they list."""
    return [DebRelease, DebIndex, DebPackage, DebSource]


@hookimpl
def entrepot_register_first_stages() -> Sequence[FirstStage]:
    """Repositories of type `deb` are read from an archive with dists/ and pool/."""
    return [FirstStage("deb", make=_first_stage, options=DebOptions)]


@hookimpl
def entrepot_register_importers() -> Sequence[Importer]:
    """What apt is configured with becomes a repository for each archive."""
    told = "Each archive of a file of apt, such as /etc/apt/sources.list."
    return [Importer("apt-sources", import_apt_sources, takes="FILE", told=told)]


@hookimpl
def entrepot_register_publishers() -> Sequence[Publisher]:
    """They are published as they are: what the archive signed stands at its paths, untouched."""
    return [Publisher("deb", make=lambda _: Verbatim(), usage=_usage, is_lasting=_is_lasting)]


class Verbatim:
    """Writes nothing: every file of the archive is an artifact of what was declared."""

    async def publish(self, version: VersionView) -> AsyncIterator[Published]:  # noqa: ARG002  # as publishers have it
        """Yield nothing."""
        nothing: tuple[Published, ...] = ()
        for file in nothing:
            yield file


def _first_stage(context: RunContext) -> MirrorSuites:
    return MirrorSuites(context.remote, context.options)


def _is_lasting(path: str) -> bool:
    """A client asks by the digest that an InRelease file named, perhaps one of the version before."""
    return "/by-hash/" in path


def _usage(url: str) -> str:
    return f"deb [signed-by=/usr/share/keyrings/KEYRING] {url.rstrip('/')}/ SUITE COMPONENT"

"""What this plugin registers with entrepot.

Every command loads it, whatever is synced: what only this type needs is imported when it is made.
"""

# ruff: noqa: PLC0415  # imports in functions are how this module is meant

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

from entrepot.plugin import (
    Content,
    FirstStage,
    ImportContext,
    Imported,
    Importer,
    Published,
    Publisher,
    RunContext,
    Stage,
    VersionView,
    hookimpl,
)
from entrepot_deb.content import DebIndex, DebPackage, DebRelease, DebSource
from entrepot_deb.options import DebOptions

if TYPE_CHECKING:
    from entrepot_deb.signed_publisher import SignedPublisher


@hookimpl
def entrepot_register_content_types() -> Sequence[type[Content]]:
    """A suite, its indices, and the packages that they list."""
    return [DebRelease, DebIndex, DebPackage, DebSource]


@hookimpl
def entrepot_register_first_stages() -> Sequence[FirstStage]:
    """Repositories of type `deb` are read from an archive with dists/ and pool/, or a flat one."""
    told = "Each archive of a file of apt, such as /etc/apt/sources.list."
    importer = Importer("apt-sources", _import_apt_sources, takes="FILE", told=told)
    return [FirstStage("deb", make=_first_stage, options=DebOptions, importers=[importer])]


@hookimpl
def entrepot_register_publishers() -> Sequence[Publisher]:
    """They are published as the archive signed them, untouched; or as they were chosen, signed anew."""
    return [Publisher("deb", make=_publisher, usage=_usage, is_lasting=_is_lasting, always_whole=True)]


class Verbatim:
    """Writes nothing: every file of the archive is an artifact of what was declared."""

    async def publish(self, version: VersionView) -> AsyncIterator[Published]:  # noqa: ARG002  # as publishers have it
        """Yield nothing."""
        nothing: tuple[Published, ...] = ()
        for file in nothing:
            yield file


def _first_stage(context: RunContext) -> Stage:
    if context.options.publish == "signed":
        from entrepot_deb.mirror_selection import MirrorSelection

        return MirrorSelection(context.remote, context.options)
    from entrepot_deb.mirror_suites import MirrorSuites

    return MirrorSuites(context.remote, context.options)


def _import_apt_sources(context: ImportContext) -> list[Imported]:
    from entrepot_deb.apt_sources import import_apt_sources

    return import_apt_sources(context)


def _publisher(context: RunContext) -> SignedPublisher | Verbatim:
    said = context.options
    if said.publish == "verbatim":
        return Verbatim()
    from entrepot_deb.signed_publisher import SignedPublisher

    return SignedPublisher(said.signing_key, snapshots=said.snapshots)


def _is_lasting(path: str) -> bool:
    """A client asks by the digest that an InRelease file named, perhaps one of the version before."""
    return "/by-hash/" in f"/{path}"


def _usage(url: str) -> str:
    return f"deb [signed-by=/usr/share/keyrings/KEYRING] {url.rstrip('/')}/ SUITE COMPONENT"

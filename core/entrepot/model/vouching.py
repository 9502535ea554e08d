"""Vouching: whether what an upstream declares is enough to know the bytes of content by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrepot.errors import InvalidMetadata, safe_url

if TYPE_CHECKING:
    from entrepot.model.declarative import DeclarativeArtifact
    from entrepot.model.remote import Access


def unvouched(artifact: DeclarativeArtifact, access: Access) -> InvalidMetadata | None:
    """Why the bytes of an artifact may not be fetched, or None.

    A digest stronger than sha1 is enough; anything less takes the operator's word. Without any
    digest nothing could be fetched later, whoever allows it: nobody could tell what came. Bytes in
    a local file are not fetched: their digest is computed here.
    """
    declared = artifact.artifact
    is_local = declared.file is not None and not artifact.deferred_download
    if is_local or not declared.is_weak:
        return None
    is_nameless = declared.preferred is None and artifact.deferred_download
    if access.allow_weak_digests and not is_nameless:
        return None
    return InvalidMetadata(
        f"no digest stronger than sha1 is declared for artifact {artifact.relative_path!r}"
        + (", nor any that it could be fetched by later" if is_nameless else ""),
        where=safe_url(artifact.url) if artifact.url else "",
        remedy="where you trust the upstream and the way to it, set "
        + ('policy = "immediate" and ' if is_nameless else "")
        + "allow_weak_digests = true for this repository",
    )

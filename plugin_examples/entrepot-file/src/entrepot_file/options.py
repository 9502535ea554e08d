"""What a repository of type `file` reads, and how."""

from __future__ import annotations

from typing import Literal, TypeAlias
from urllib.parse import unquote, urlsplit

import attrs

from entrepot.plugin import ConfigurationError, safe_url

Format: TypeAlias = Literal["pulp_manifest", "sha256sums", "tree"]


@attrs.frozen
class FileOptions:
    """What `[repositories.NAME.options]` may say.

    `format` is "auto", "pulp_manifest", "sha256sums" or "tree"; on "auto" the URL tells. With
    `skip_unchanged`, what did not change upstream since the last sync is kept unread.
    """

    format: Literal["auto", "pulp_manifest", "sha256sums", "tree"] = "auto"
    skip_unchanged: bool = True


def format_of(url: str, options: FileOptions) -> Format:
    """Tell what is at a URL, by the option or by how the URL ends."""
    parts = urlsplit(url)
    is_local, name = parts.scheme == "file", unquote(parts.path).rpartition("/")[2]
    if options.format == "tree" and not is_local:
        raise ConfigurationError(
            f"{safe_url(url)!r} is no folder of this machine, so there is no tree to walk",
            remedy='let url begin with file://, or set format = "pulp_manifest" or "sha256sums"',
        )
    if options.format != "auto":
        return options.format
    if name.upper().startswith("PULP_MANIFEST"):
        return "pulp_manifest"
    if "sha256sum" in name.lower() or name.lower().endswith(".sha256"):
        return "sha256sums"
    if is_local:
        return "tree"
    raise ConfigurationError(
        f"{safe_url(url)!r} does not tell what is there",
        remedy="let url end with PULP_MANIFEST or SHA256SUMS, or set the option: "
        'format = "pulp_manifest" or "sha256sums"',
    )

"""What a project's page says, whichever form it came in."""

from __future__ import annotations

from typing import TypeAlias

import attrs

from entrepot.plugin import InvalidMetadata
from entrepot_python.content import CoreMetadata

ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"


@attrs.frozen(kw_only=True)
class ListedFile:
    """A file as it is listed; `url` is as written, perhaps relative, without its fragment.

    `provenance` is as written too.
    """

    filename: str
    url: str
    hashes: dict[str, str] = attrs.field(factory=dict)
    requires_python: str | None = None
    yanked: bool | str = False
    size: int | None = None
    upload_time: str | None = None
    core_metadata: CoreMetadata = None
    gpg_sig: bool | None = None
    provenance: str | None = None


@attrs.frozen
class UnusableFile:
    """A listed file that breaks the rules; the others on its page do not suffer for it."""

    filename: str
    error: InvalidMetadata


Entry: TypeAlias = ListedFile | UnusableFile


@attrs.frozen(kw_only=True)
class ProjectPage:
    """A whole page. `base` is what relative URLs start from, itself relative to the page's URL.

    `api_version` is the version of the simple API that a page in HTML may name. `serial` is the
    index's count of changes that the page is of, where the page itself or its answer tells one.
    """

    name: str | None
    entries: tuple[Entry, ...]
    versions: tuple[str, ...] | None = None
    status: str | None = None
    status_reason: str | None = None
    tracks: tuple[str, ...] = ()
    alternate_locations: tuple[str, ...] = ()
    base: str = ""
    api_version: str | None = None
    serial: int | None = None


def check_api_version(version: str | None) -> None:
    """Refuse pages of another major version: their meaning may differ."""
    if version is not None and version.partition(".")[0] != "1":
        raise InvalidMetadata(
            f"the index speaks version {version!r:.20} of the simple API; this plugin knows version 1",
            remedy="look for a newer entrepot-python: pip install --upgrade entrepot-python",
        )

"""What asking for one URL gives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple, Protocol

import attrs

if TYPE_CHECKING:
    from pathlib import Path

    from entrepot.model.incoming import Received


class Validator(NamedTuple):
    """What an upstream said to tell one state of a resource from the next; opaque."""

    etag: str | None = None
    last_modified: str | None = None

    def dump(self) -> str:
        """Write both as one text, fit for a checkpoint."""
        return f"{self.etag or ''}\n{self.last_modified or ''}"

    @classmethod
    def load(cls, text: str | None) -> Validator | None:
        """Read what `dump` wrote; None stays None."""
        if text is None:
            return None
        etag, _, modified = text.partition("\n")
        return cls(etag or None, modified or None)


@attrs.frozen(kw_only=True)
class Download:
    """A finished download, to be read until the sync ends.

    `url` is where the bytes finally came from, after redirects. When `not_modified` is true there
    are no bytes, and what an earlier download said still holds.
    """

    url: str
    size: int
    digests: Mapping[str, str]
    headers: Mapping[str, str]
    validator: Validator | None
    received: Received
    not_modified: bool = False

    @property
    def path(self) -> Path:
        """A file with the bytes; a small body is written to one when this is first asked for."""
        return self.received.path

    def read(self) -> bytes:
        """All the bytes, at once: without a file where the body is small."""
        return self.received.content()

    @property
    def content_type(self) -> str:
        """The media type the upstream gave, in lower case, without parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


class Downloader(Protocol):
    """One URL, ready to be asked for."""

    @property
    def url(self) -> str: ...

    async def run(self) -> Download:
        """Download, verify and return; retries and their waits happen within.

        Raises an `UpstreamError` or `IntegrityError` that names the URL. Safe to cancel.
        """

"""Uploads: files that somebody hands in, and what the plugin of a type makes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import attrs

from entrepot.errors import EntrepotError, IntegrityError
from entrepot.model.relative_path import relative_path as checked_path

if TYPE_CHECKING:
    from entrepot.model.content import Content
    from entrepot.model.incoming import Received
    from entrepot.model.publication import VersionView


class Unacceptable(EntrepotError):
    """A file that was handed in cannot be taken: it, or what is said of it, breaks the rules of its type."""

    exit_code = 2


class PathTaken(IntegrityError):
    """A path has, or had, other bytes than those that were handed in for it."""


@attrs.frozen(kw_only=True)
class Upload:
    """A file that came in whole; its bytes are in `received.path` until the run ends.

    `filename` is as whoever uploads it calls it, a name without a folder. `fields` is what was said
    beside it, each as often as it was: nobody has checked any of it. `moment` is when it came, in
    seconds since 1970.
    """

    filename: str
    received: Received
    fields: Mapping[str, Sequence[str]] = attrs.field(factory=dict)
    moment: float = 0.0

    def said(self, field: str) -> str | None:
        """What a field says that stands once; `Unacceptable` for one that stands more often."""
        values = self.fields.get(field, ())
        if len(values) > 1:
            raise Unacceptable(f"field {field!r:.80} stands {len(values)} times", remedy="say it once")
        return values[0] if values else None


@attrs.frozen(kw_only=True)
class Accepted:
    """What an upload becomes: a statement, the path of its bytes, and small files beside it.

    The digest and the size of the bytes are told by the storage, and need not be in `content`.
    """

    content: Content
    relative_path: str = attrs.field(converter=checked_path)
    beside: Mapping[str, bytes] = attrs.field(factory=dict, repr=False)


class UploadReader(Protocol):
    """Makes content of uploads; one is made for each run."""

    def read(self, upload: Upload) -> Accepted:
        """Look at a file, in bounds, on a thread of its own; `Unacceptable` or `InvalidMetadata` refuse it."""

    async def along(self, contents: Sequence[Content], held: VersionView) -> Sequence[Content]:
        """Say what else the version needs for these, such as a package that they are files of.

        Called once, with all that is new; `held` is what the repository has, which nobody changes meanwhile.
        """

    async def without(self, contents: Sequence[Content], held: VersionView) -> Sequence[Content]:
        """Say what else reads otherwise once these are gone, such as a package that they are files of.

        Called once, with all that is withdrawn; `held` is what the repository has, with them. They
        themselves go without being named here.
        """

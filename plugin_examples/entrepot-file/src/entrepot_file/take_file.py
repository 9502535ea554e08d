"""Takes plain files that somebody uploads, under the path that they ask for."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from entrepot.plugin import Accepted, Content, Unacceptable, Upload, VersionView, relative_path
from entrepot_file.content import FileContent
from entrepot_file.entry import OWN_LISTS


@attrs.frozen
class TakeFile:
    """Any file will do; it is served at the field `path`, or else under its own name."""

    def read(self, upload: Upload) -> Accepted:
        """Check the path; the bytes may say what they will."""
        path = relative_path(upload.said("path") or upload.filename)
        if path in OWN_LISTS:
            raise Unacceptable(f"{path!r} is a list that is written here", remedy="give the file another path")
        received = upload.received
        return Accepted(
            content=FileContent(relative_path=path, sha256=received.sha256.hex(), size=received.size),
            relative_path=path,
        )

    async def along(self, contents: Sequence[Content], held: VersionView) -> Sequence[Content]:  # noqa: ARG002 - asks nothing
        """Files stand alone."""
        return ()

    async def without(self, contents: Sequence[Content], held: VersionView) -> Sequence[Content]:  # noqa: ARG002 - asks nothing
        """Files stand alone."""
        return ()

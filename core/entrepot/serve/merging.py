"""Files of a combination that are made of one of every repository, when they are asked for."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections import OrderedDict
from contextlib import ExitStack
from io import BytesIO
from typing import TYPE_CHECKING, BinaryIO, Final

from entrepot.serve.body import Body, body_of
from entrepot.storage.faults import fault

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entrepot.catalog.rows import Located
    from entrepot.depot import Depot
    from entrepot.serve.combined import Merged

#: Made files that are kept, on the disk and without a name: those asked for lately.
_KEPT: Final = 16


class Merging:
    """Makes files, one at a time, and keeps those that were asked for lately; each is known by its tag."""

    def __init__(self, depot: Depot) -> None:
        self._depot = depot
        self._making = asyncio.Lock()
        self._made: OrderedDict[bytes, BinaryIO] = OrderedDict()

    async def open(self, chosen: Located, merged: Merged) -> Body:
        """Open one of the files that stand in an answer; who asks closes it."""
        tag = b"" if chosen.declared is None else chosen.declared.value
        async with self._making:
            if tag not in self._made:
                making = asyncio.to_thread(self._make, chosen.media_type or "", merged)
                self._made[tag] = await making
            self._made.move_to_end(tag)
            while len(self._made) > _KEPT:
                self._made.popitem(last=False)[1].close()
            made = os.fdopen(os.dup(self._made[tag].fileno()), "rb")
        return body_of(made, os.fstat(made.fileno()).st_size)

    def close(self) -> None:
        """Let go of what was made."""
        while self._made:
            self._made.popitem()[1].close()

    def _make(self, media_type: str, merged: Merged) -> BinaryIO:
        home = self._depot.settings.home
        with ExitStack() as undo:
            try:
                made: BinaryIO = undo.enter_context(tempfile.TemporaryFile(dir=home if home.is_dir() else None))
                with ExitStack() as opened:
                    sources = self._opened(merged.sources[media_type], opened)
                    made.writelines(merged.merge(media_type, sources))
                made.flush()
            except OSError as error:
                raise fault(error, str(home)) from error
            undo.pop_all()
        return made

    def _opened(self, files: Sequence[Located], opened: ExitStack) -> list[BinaryIO]:
        return [opened.enter_context(self._source(file)) for file in files]

    def _source(self, file: Located) -> BinaryIO:
        if file.artifact is not None:
            return self._depot.storage.open(file.artifact.sha256)
        return BytesIO(file.body or b"")

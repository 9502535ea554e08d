"""How far a verification has come, told on stderr now and then."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from entrepot.cli.figures import counted, size
from entrepot.cli.output import note

if TYPE_CHECKING:
    from entrepot.operations.verify import Verified

_LIVE, _PLAIN = 0.25, 5.0
_CLEAR_LINE = "\r\x1b[2K"


class Looking:
    """A line that is drawn again on a terminal, and a new one every few seconds elsewhere."""

    def __init__(self, *, quiet: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._quiet = clock, quiet
        self._is_live = not quiet and sys.stderr.isatty()
        self._began = self._told_at = clock()

    def tell(self, seen: Verified) -> None:
        """Hear how far it is; say so when it is time."""
        now = self._clock()
        if self._quiet or now - self._told_at < (_LIVE if self._is_live else _PLAIN):
            return
        self._told_at = now
        line = self._line(seen, now - self._began)
        if self._is_live:
            sys.stderr.write(f"{_CLEAR_LINE}{line}")
            sys.stderr.flush()
        else:
            note(line)

    def clear(self) -> None:
        """Take the drawn line away, before anything else is said."""
        if self._is_live:
            sys.stderr.write(_CLEAR_LINE)
            sys.stderr.flush()

    def _line(self, seen: Verified, seconds: float) -> str:
        pace = f"{size(seen.octets / seconds)}/s" if seconds > 0 else ""
        return f"read {counted(seen.checked, 'file', 'files')}, {size(seen.octets)}, {pace}; damaged: {seen.damaged}"

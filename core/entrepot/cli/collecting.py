"""How often the garbage collector looks at what this process holds."""

from __future__ import annotations

import gc
from typing import Final

#: Objects made before the young are looked at, and rounds before the older are. What a command
#: imports is some 60,000 objects, which stay.
_STARTING: Final = (100_000, 20, 50)

#: Units on their way are thousands of objects that no round can free: looking at every 700 looks at
#: each many times.
_WORKING: Final = (20_000, 20, 50)


def make_rounds_rare() -> None:
    """Let the collector look around seldom: a tenth of a command's start went into that."""
    gc.set_threshold(*_STARTING)


def leave_out_what_stays() -> None:
    """Take what there is by now, as what was imported, out of the collector's rounds, which stay rare.

    A sync of many units, which leaves no cycles behind, gave them a third of its processor time.
    """
    gc.freeze()
    gc.set_threshold(*_WORKING)

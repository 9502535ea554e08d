"""How often the garbage collector looks at what this process holds."""

from __future__ import annotations

import gc
from typing import Final

#: Objects made before the young are looked at, and rounds before the older are. Units on their way
#: are thousands of objects that no round can free: looking at every 700 looks at each many times.
_ROUNDS: Final = (20_000, 20, 50)


def make_rounds_rare() -> None:
    """Let the collector look around seldom.

    Imports make objects that stay, a tenth of a command's start went into looking at them again and
    again; a sync of many units, which leaves no cycles behind, gave it a third of its processor time.
    """
    gc.set_threshold(*_ROUNDS)


def leave_out_what_stays() -> None:
    """Take what there is by now, as what was imported, out of the collector's rounds."""
    gc.freeze()

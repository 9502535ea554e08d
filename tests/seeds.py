"""The seed of what a test leaves to chance: told, and the same again when it is asked for."""

from __future__ import annotations

import os
import random
import sys
from typing import Final

NAME: Final = "ENTREPOT_TEST_SEED"


def seed(usual: int) -> int:
    """The seed that the environment names, else the usual one; a failing test shows it."""
    chosen = int(os.environ.get(NAME, usual))
    sys.stdout.write(f"{NAME}={chosen}\n")
    return chosen


def seeded(usual: int) -> random.Random:
    """Chance that can be repeated."""
    return random.Random(seed(usual))

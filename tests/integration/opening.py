"""How integration tests open their depot."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TypeAlias

from entrepot.depot import Depot

OpenDepot: TypeAlias = Callable[..., AbstractContextManager[Depot]]

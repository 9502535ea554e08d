"""Office: what a ledger needs of the catalog that gave it out."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from entrepot.catalog.pages import PathPages


class Office:
    """What a ledger needs of its catalog."""

    def __init__(
        self,
        *,
        mirror: bool,
        clock: Callable[[], float],
        pages: Callable[[], PathPages],
        left: Callable[[Any], None],
    ) -> None:
        self.mirror, self.clock, self.pages, self.left = mirror, clock, pages, left

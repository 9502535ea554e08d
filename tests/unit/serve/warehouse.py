"""What the tests of pulls share: an upstream of boxes, and depots that mirror it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from entrepot.depot import Depot
from entrepot.serve.pull_through import PullThrough
from entrepot.serve.target import Target
from entrepot.testing.bad_origin import BadOrigin
from entrepot.testing.clock import Clock
from entrepot.testing.depots import depot
from unit.serve import boxes

#: What a pull is asked for.
RED, BLUE = Target("tools", None, "red/"), Target("tools", None, "blue/")


class Warehouse:
    """An upstream of boxes, and depots that mirror it."""

    def __init__(self, folder: Path, origin: BadOrigin, stack: ExitStack) -> None:
        self.folder, self.origin, self.stack = folder, origin, stack
        self.fill("usual")

    def fill(self, *names: str, content: str = "full") -> None:
        """Let upstream have boxes."""
        for name in names:
            self.origin.put(f"/{name}", json.dumps(f"{name} is {content}").encode())

    def open(self, **table: Any) -> Depot:
        """Open the depot, once more if it is open already."""
        said = {"type": "boxes", "url": self.origin.url("")} | {"allow_private": True, "retries": 0, "mirror": True}
        tables = {"tools": {**said, "pull_through": True, "guard_loss": "off", **table}}
        plugins = [("boxes", boxes)]
        return self.stack.enter_context(depot(self.folder, tables, plugins=plugins, installed=False))


@asynccontextmanager
async def pulling(of: Depot, clock: Clock, *, patience: float = 30.0) -> AsyncIterator[PullThrough]:
    """The pulls of one server."""
    async with of.workshop.downloads():
        pulls = PullThrough(of, clock=clock, patience=patience)
        yield pulls
        await pulls.close()


def boxes_of(of: Depot, number: int | None = None) -> list[str]:
    """The boxes that a version has."""
    latest = of.catalog.reader.version("tools", number).number
    return [row.key.rsplit('"', 2)[1] for row in of.catalog.reader.members("tools", latest)]

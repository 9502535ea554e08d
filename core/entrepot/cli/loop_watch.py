"""Who holds the event loop, told when it has stood still for too long."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

from entrepot.cli.watchdog import end_process, say, watched
from entrepot.events import Event, Outside, SyncEnded, SyncStarted
from entrepot.pipeline.errors import LoopBlocked
from entrepot.pipeline.holding import frames, line_of, package_of

if TYPE_CHECKING:
    from entrepot.hooks.manager import Plugins


class LoopWatch:
    """Names the stage or the plugin that holds the loop; it is told of syncs by `hear`.

    `ends` says whether the process then ends: a server goes on, for what blocks it may pass.
    """

    def __init__(self, plugins: Plugins, limit: float, *, ends: bool = True, as_json: bool = False) -> None:
        self._plugins, self._limit, self._ends, self._as_json = plugins, limit, ends, as_json
        self._running: tuple[str, Outside] | None = None

    def hear(self, event: Event) -> None:
        """Know which sync runs."""
        match event:
            case SyncStarted(repository=name, outside=outside) if outside is not None:
                self._running = name, outside
            case SyncEnded():
                self._running = None

    @contextmanager
    def over(self, loop: asyncio.AbstractEventLoop) -> Iterator[None]:
        """Watch a loop of this thread while the block runs."""

        def bark(frame: FrameType) -> None:
            self._bark(self._blamed(frame, asyncio.current_task(loop)))

        with watched(self._limit, bark) as watchdog:
            if watchdog is not None:
                loop.call_soon(watchdog.feed_by, loop)
            yield

    def _blamed(self, frame: FrameType, task: asyncio.Task[object] | None) -> LoopBlocked:
        stage = self._running[1].holder(frame, task) if self._running is not None else None
        if stage is not None:
            place, plugin, package = stage.place, stage.plugin, stage.package
        else:
            package, plugin = self._plugin_on(frame)
            place = f"plugin {plugin!r}" if plugin else "no plugin's code"
        line = line_of(frame, package)
        return LoopBlocked(self._limit, who=place, place=line, plugin=plugin, ended=self._ends)

    def _plugin_on(self, frame: FrameType) -> tuple[str, str]:
        for package in map(package_of, frames(frame)):
            if (owner := self._plugins.owner_of(package)) is not None:
                return package, owner
        return "", ""

    def _bark(self, error: LoopBlocked) -> None:
        if not self._ends:
            say(error)
            return
        if self._running is not None:
            name, outside = self._running
            outside.end_here(str(error))
            if self._as_json:
                line = json.dumps({"event": "error", "repository": name, "error": str(error)})
                os.write(1, f"{line}\n".encode())
        end_process(error)

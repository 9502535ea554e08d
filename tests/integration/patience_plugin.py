"""Firmware whose first stage does not end when it is asked to: it swallows, or it blocks."""

from __future__ import annotations

import asyncio
import time

import attrs

from entrepot.plugin import Content, FirstStage, Remote, hookimpl
from integration import firmware
from integration.firmware import FirmwareList


@attrs.frozen
class Stubbornness:
    """How a stage behaves once it runs."""

    how: str = ""


class Stubborn(FirmwareList):
    """Says that it runs, by asking its upstream, and then will not end."""

    def __init__(self, remote: Remote, options: Stubbornness) -> None:
        super().__init__(remote)
        self.options = options

    async def run(self) -> None:
        if not self.options.how:
            await super().run()
            return
        await self.feed()
        while True:
            try:
                if self.options.how == "blocks":
                    time.sleep(3600)  # noqa: ASYNC251  to block is what this stage is for
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                if self.options.how != "swallows":
                    raise


@hookimpl
def entrepot_register_content_types() -> list[type[Content]]:
    return firmware.entrepot_register_content_types()


@hookimpl
def entrepot_register_first_stages() -> list[FirstStage]:
    return [FirstStage("firmware", lambda context: Stubborn(context.remote, context.options), Stubbornness)]

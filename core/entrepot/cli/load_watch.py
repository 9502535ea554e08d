"""Plugins that do not return when they are imported or asked what they bring."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from entrepot.cli.watchdog import end_process, watched
from entrepot.errors import PluginError


@contextmanager
def watched_loading(limit: float) -> Iterator[Callable[[str], None]]:
    """End the process when one plugin takes longer than so many seconds; 0 waits for ever.

    Yields whom to tell the name of each plugin before its code runs. Its thread cannot be
    stopped in any other way, and what it would bring is not known.
    """
    asked = [""]

    def bark(frame: FrameType) -> None:
        end_process(
            PluginError(
                f"plugin {asked[0]!r} did not load within {limit:g} s",
                where=_line(frame),
                remedy=f"leave it out: entrepot --block {asked[0]} ...; if it may take so long, raise load_timeout "
                "in [depot]",
            )
        )

    with watched(limit, bark) as watchdog:

        def begin(plugin: str) -> None:
            asked[0] = plugin
            if watchdog is not None:
                watchdog.feed()

        yield begin


def _line(frame: FrameType) -> str:
    return f"{frame.f_code.co_filename}:{frame.f_lineno} in {frame.f_code.co_name}"

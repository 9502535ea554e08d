"""One tiny distribution for each way in which a plugin can misbehave, and what is said of it."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

import attrs

_STAGE = """
import asyncio, os, socket, sys, threading, time

from entrepot.plugin import DeclarativeContent, QueryExistingArtifacts, Stage, before, hookimpl


class Sloppy(Stage):
    async def run(self):
{body}

@hookimpl
def entrepot_edit_plan(plan, context):
    return [before(QueryExistingArtifacts, Sloppy())]
"""


@attrs.frozen(kw_only=True)
class Misbehaviour:
    """The code of a plugin, the limits it is tried with, and what a sync then says and ends with.

    `limits` are seconds, set where the case is about them: a healthy part of the program may be
    slow for a moment on a machine with much to do.
    """

    code: str
    says: tuple[str, ...] = ()
    ends: int = 1
    limits: Mapping[str, float] = attrs.field(factory=dict)
    everywhere: bool = True
    recorded: bool = False


def stage(
    body: str, *says: str, ends: int = 1, everywhere: bool = True, limits: Mapping[str, float] | None = None
) -> Misbehaviour:
    """A stage before anything is looked up; what is said of it names it and its plugin."""
    code = _STAGE.format(body=textwrap.indent(textwrap.dedent(body).strip(), " " * 8))
    named = ("stage 'Sloppy' of plugin 'sloppy'",) if ends else ()
    return Misbehaviour(
        code=code, says=(*named, *says), ends=ends, limits=limits or {}, everywhere=everywhere, recorded=ends == 1
    )


def hook(code: str, *says: str, ends: int = 0, limits: Mapping[str, float] | None = None) -> Misbehaviour:
    """A plugin that goes wrong before any stage of it could run."""
    return Misbehaviour(
        code="import sys, time\nfrom entrepot.plugin import hookimpl\n" + textwrap.dedent(code),
        says=says,
        ends=ends,
        limits=limits or {},
    )


AT_LOAD = {
    "cannot be imported": hook("import a_module_that_nobody_has", "a_module_that_nobody_has"),
    "exits when imported": hook("sys.exit(3)", "it tried to end the program"),
    "has a wrong signature": hook(
        """
        @hookimpl
        def entrepot_edit_plan(plan, wishes): return []
        """,
        "wishes",
    ),
    "raises when asked": hook(
        """
        @hookimpl
        def entrepot_register_storages(): raise RuntimeError("a slip")
        """,
        "RuntimeError: a slip",
    ),
    "exits when asked": hook(
        """
        @hookimpl
        def entrepot_register_storages(): sys.exit(3)
        """,
        "it tried to end the program",
    ),
    "answers rubbish": hook(
        """
        @hookimpl
        def entrepot_register_content_types(): return 7
        """,
        "answered 7",
    ),
}
"""What is found out when plugins are loaded: the plugin is left out, and the sync goes on without it."""

HANGS_AT_LOAD = hook(
    "time.sleep(600)", "'sloppy' did not load within 4 s", "--block sloppy", ends=2, limits={"load": 4}
)

IN_A_SYNC = {
    "answers rubbish": hook(
        """
        @hookimpl
        def entrepot_edit_plan(): return 7
        """,
        "plugin 'sloppy' answered 7",
        ends=2,
    ),
    "hangs when asked": hook(
        """
        @hookimpl
        def entrepot_edit_plan(): time.sleep(600)
        """,
        "held by plugin 'sloppy'",
        "in entrepot_edit_plan",
        "--block sloppy",
        ends=1,
        limits={"loop": 3},
    ),
    "raises": stage("raise RuntimeError('a slip')", "RuntimeError: a slip"),
    "hangs": stage("await asyncio.Event().wait()", "nothing has moved for", limits={"stall": 2}),
    "blocks the loop": stage(
        """
        async for unit in self.items():
            time.sleep(600)
        """,
        "the event loop has stood still for 3 s",
        "sloppy.py:10 in run",
        limits={"loop": 3},
    ),
    "swallows cancellation": stage(
        """
        while True:
            try:
                await asyncio.sleep(600)
            except asyncio.CancelledError:
                pass
        """,
        "did not stop within 5 s of being cancelled",
        limits={"stall": 2},
    ),
    "drops units": stage(
        """
        async for unit in self.items():
            if unit.content.name != "image-1":
                await self.put(unit)
        """,
        "stage 'Sloppy' lost 1 unit: 1 that it read, and neither put on, refused nor failed",
    ),
    "floods the next": stage(
        """
        async for unit in self.items():
            while True:
                await self.put(unit)
        """,
        "this run did not end within 3 s",
        "stage 'Sloppy' was given",
        limits={"sync": 3},
    ),
    "leaves a socket open": stage(
        """
        Sloppy.server = socket.create_server(("127.0.0.1", 0))
        Sloppy.kept = await asyncio.open_connection(*Sloppy.server.getsockname())
        async for unit in self.items():
            await self.put(unit)
        """,
        "left behind: an open socket to ('127.0.0.1'",
    ),
    "runs in circles": stage(
        "while True: pass", "the event loop has stood still", everywhere=False, limits={"loop": 3}
    ),
    "leaves a task running": stage(
        """
        async def linger():
            await asyncio.sleep(600)
        Sloppy.kept = asyncio.create_task(linger())
        async for unit in self.items():
            await self.put(unit)
        """,
        "left behind: a task that runs Sloppy.run.<locals>.linger",
        everywhere=False,
    ),
    "ends the program": stage("sys.exit(0)", "raised SystemExit: 0", everywhere=False),
    "interrupts": stage("raise KeyboardInterrupt", "raised KeyboardInterrupt", everywhere=False),
    "is cancelled by itself": stage("raise asyncio.CancelledError", "raised CancelledError", everywhere=False),
    "closes the loop": stage(
        "asyncio.get_running_loop().close()", "Cannot close a running event loop", everywhere=False
    ),
    "hangs in a thread": stage(
        "await asyncio.to_thread(time.sleep, 600)", "nothing has moved for", everywhere=False, limits={"stall": 2}
    ),
    "awaits what it never put on": stage(
        """
        async for unit in self.items():
            await unit.resolution()
        """,
        "nothing has moved for",
        "is waiting for others",
        everywhere=False,
        limits={"stall": 2},
    ),
    "leaves a thread running": stage(
        """
        threading.Thread(target=time.sleep, args=(600,), name="lingering").start()
        async for unit in self.items():
            await self.put(unit)
        """,
        "thread 'lingering' goes on",
        ends=0,
        everywhere=False,
    ),
    "stops the loop": Misbehaviour(
        code=stage("asyncio.get_running_loop().stop(); await asyncio.sleep(600)").code,
        says=("Event loop stopped before Future completed",),
        everywhere=False,
    ),
}
"""What a sync meets, and ends by; those that are not for `everywhere` are tried when asked for."""

ENDS_THE_PROCESS = stage("os._exit(0)", ends=0)
"""Nobody can be told by a process that is gone: the next sync finds that this one died."""

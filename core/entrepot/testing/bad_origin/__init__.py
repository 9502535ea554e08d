"""An upstream that misbehaves as it is told, and remembers every request."""

from __future__ import annotations

import asyncio
import contextlib
import fnmatch
import socket
import ssl
import struct
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeAlias

import attrs

from entrepot.testing.bad_replies import Answer, Reply, Seen
from entrepot.testing.bad_scripts import Played, Script

_LONGEST_HEAD = 256 * 1024

#: Seconds in which what came half in, such as a TLS handshake, has to end; it is waited for no longer.
_GRACE = 5.0

#: Is told of each request: number, method, path, headers, and the status that it is answered with.
Log: TypeAlias = Callable[[Mapping[str, Any]], None]


@attrs.frozen
class _Rule:
    glob: str
    answers: tuple[Answer, ...]
    asked: Counter[str] = attrs.field(factory=Counter)

    def answer(self, request: Seen) -> Reply:
        self.asked[request.path] += 1
        answer = self.answers[min(self.asked[request.path], len(self.answers)) - 1]
        return (answer if isinstance(answer, Reply) else answer(request)).to(request)


class BadOrigin:
    """A scripted HTTP server on loopback, for tests of whatever downloads.

    The n-th request for a path gets the n-th reply of the newest rule that matches the path; the
    last reply of a rule stays. What no rule matches is 404. With `tls` it speaks https. `play` takes
    all of this from a file, and `log` is told of each request as it is answered.

    >>> async def example() -> None:
    ...     async with BadOrigin() as origin:
    ...         origin.put("/good.txt", b"hello")                                # a good file server
    ...         origin.on("/heals.txt", Reply(status=503), Reply(body=b"hello"))  # once 503, then 200 for ever
    ...         origin.on("/*.whl", Reply(body=b"x" * 1000, cut=500, reset=True))
    ...         origin.on("/moved", Reply.redirect("/good.txt"))
    ...         await fetch(origin.url("/heals.txt"))
    ...         assert origin.count("/heals.txt") == 2
    ...         assert "authorization" not in origin.requests[0].headers

    Leaving it closes every connection, also those that are still being answered.
    """

    def __init__(
        self, *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1", port: int = 0, log: Log | None = None
    ) -> None:
        self.requests: list[Seen] = []
        self.connections = 0
        self.in_flight = 0
        self.most_in_flight = 0
        self.port = port
        self.host = host
        self._tls = tls
        self._log = log
        self._rules: list[_Rule] = []
        self._asked: Counter[str] = Counter()
        self._arrival = asyncio.Event()
        self._open: set[asyncio.Task[None]] = set()
        self._closing = False
        self._server: asyncio.Server | None = None

    def url(self, path: str = "/") -> str:
        """The address of a path of this origin."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self._tls else 'http'}://{host}:{self.port}{path}"

    def on(self, glob: str, *answers: Answer) -> None:
        """Answer requests whose path matches; a new rule stands before the older ones."""
        self._rules.insert(0, _Rule(glob, answers))

    def put(self, path: str, body: bytes) -> str:
        """Serve a file well, in place of an earlier one, and return its address."""
        self.on(path, Reply.file(body))
        return self.url(path)

    def play(self, script: Script | Path | Mapping[str, Any], *, folder: Path = Path()) -> Played:
        """Answer every request as a script says: one read before, a file, or what would stand in it.

        Raises `ConfigurationError` that names the entry. Rules made afterwards stand before it.
        """
        if isinstance(script, Path):
            script = Script.load(script)
        elif isinstance(script, Mapping):
            script = Script.read(script, where="script", folder=folder)
        played = Played(script)
        self.on("*", played)
        return played

    def count(self, glob: str = "*") -> int:
        """How many requests came for paths that match."""
        return sum(fnmatch.fnmatchcase(request.path, glob) for request in self.requests)

    async def arrived(self, requests: int) -> None:
        """Wait until so many requests have come in, answered or not."""
        while len(self.requests) < requests:
            self._arrival.clear()
            await self._arrival.wait()

    async def __aenter__(self) -> Self:
        self._closing = False
        self._server = await asyncio.start_server(
            self._accept, self.host, self.port, ssl=self._tls, limit=_LONGEST_HEAD
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing = True
        if self._server is not None:
            for listening in self._server.sockets:
                asyncio.get_running_loop().remove_reader(listening.fileno())
            await asyncio.sleep(0)  # asyncio loses the socket of what it took in just before `close`
            self._server.close()
            for task in self._open:
                task.cancel()
            await asyncio.gather(*self._open, return_exceptions=True)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._server.wait_closed(), _GRACE)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._closing:  # it was taken in before the end, and is told of after it
            writer.transport.abort()
            return
        task = asyncio.ensure_future(self._converse(reader, writer))
        self._open.add(task)
        task.add_done_callback(self._open.discard)
        # A task that is cancelled before its first step runs no `finally` of its own.
        task.add_done_callback(lambda _: writer.transport.abort())

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while (request := await self._read(reader)) is not None:
                self.in_flight += 1
                self.most_in_flight = max(self.most_in_flight, self.in_flight)
                try:
                    if not await self._answer(request, writer):
                        break
                finally:
                    self.in_flight -= 1
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            writer.transport.abort()  # the client went away, which is what many tests are about
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await asyncio.wait_for(writer.wait_closed(), 1)

    async def _read(self, reader: asyncio.StreamReader) -> Seen | None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return None
        first, *lines = head.decode("latin-1").split("\r\n")
        method, path, _ = first.split(" ", 2)
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
        self._asked[path] += 1
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        request = Seen(method=method, path=path, headers=headers, number=self._asked[path], body=body)
        self.requests.append(request)
        self._arrival.set()
        return request

    def _reply(self, request: Seen) -> Reply:
        for rule in self._rules:
            if fnmatch.fnmatchcase(request.path, rule.glob):
                return rule.answer(request)
        return Reply(status=404, body=b"nothing here")

    async def _answer(self, request: Seen, writer: asyncio.StreamWriter) -> bool:
        """Send the reply; True when the connection can take another request."""
        reply = self._reply(request)
        if self._log is not None:
            told = attrs.asdict(request, filter=attrs.filters.exclude("body"))
            self._log({**told, "status": None if reply.raw is not None else reply.status})
        await asyncio.sleep(reply.pause)
        if reply.gate is not None:
            await reply.gate.wait()
        if reply.raw is not None:
            writer.write(reply.raw)
        else:
            await _send_head(reply, writer)
            if request.method != "HEAD" and reply.status not in (204, 304):
                async for piece in reply.pieces():
                    writer.write(piece)
                    await writer.drain()
        await writer.drain()
        if reply.stall:
            await (asyncio.Event() if reply.stall is True else reply.stall).wait()
        if reply.reset:
            _reset(writer)
        return not reply.closes


async def _send_head(reply: Reply, writer: asyncio.StreamWriter) -> None:
    head = reply.head(len(reply.body))
    if not reply.head_trickle:
        writer.write(head)
        return
    for byte in head:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(reply.head_trickle)


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close so that the client sees a reset connection, not an end."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()

"""What a misbehaving upstream answers: one reply as data, and how it goes over the wire."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Mapping
from http import HTTPStatus
from typing import Literal, TypeAlias

import attrs

PIECE = 64 * 1024


@attrs.frozen(kw_only=True)
class Seen:
    """One request as it came in: header names in lower case, the path as it was sent.

    `number` counts the requests for this path, from 1.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    number: int
    body: bytes = attrs.field(default=b"", repr=lambda body: f"<{len(body)} bytes>")


@attrs.frozen(kw_only=True)
class Reply:
    """An answer and everything that is wrong with it; the defaults are a good one.

    Before the first byte it waits `pause` seconds, then for `gate`. `declared` is the length that
    the head claims when it is not that of the body. `cut` closes after so many bytes of the body,
    with a FIN, or with a RST when `reset` is set; `stall` keeps the connection open instead, for ever
    or until the event that it is.
    `trickle` is the pause between two pieces of `piece` bytes, `head_trickle` that between two bytes
    of the head. `endless` repeats the body for ever. `raw` is sent in place of head and body.
    `honest` answers Range, If-Range and If-None-Match as a good server does.
    """

    status: int = 200
    headers: Mapping[str, str] = attrs.field(factory=dict)
    body: bytes = attrs.field(default=b"", repr=lambda body: f"<{len(body)} bytes>")
    framing: Literal["length", "chunked", "close"] = "length"
    declared: int | None = None
    pause: float = 0.0
    gate: asyncio.Event | None = None
    head_trickle: float = 0.0
    trickle: float = 0.0
    piece: int = PIECE
    cut: int | None = None
    reset: bool = False
    stall: bool | asyncio.Event = False
    endless: bool = False
    raw: bytes | None = None
    honest: bool = False

    @classmethod
    def redirect(cls, location: str | None, status: int = 302) -> Reply:
        """Send the client elsewhere, or nowhere when there is no location."""
        return cls(status=status, headers={} if location is None else {"Location": location})

    @classmethod
    def file(cls, body: bytes) -> Reply:
        """Answer as a good file server: with an ETag, ranges and conditional requests."""
        return cls(body=body, headers={"ETag": f'"{hashlib.sha256(body).hexdigest()[:16]}"'}, honest=True)

    @property
    def closes(self) -> bool:
        """Whether the connection ends with this reply."""
        return self.framing == "close" or self.cut is not None or self.reset or self.raw is not None

    def head(self, body_length: int) -> bytes:
        """Write the status line and the headers."""
        lines = [f"HTTP/1.1 {self.status} {_phrase(self.status)}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        if self.framing == "chunked":
            lines.append("Transfer-Encoding: chunked")
        elif self.framing == "length" and self.status not in (204, 304):
            lines.append(f"Content-Length: {body_length if self.declared is None else self.declared}")
        if self.framing == "close":
            lines.append("Connection: close")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yield the body as it is framed, up to where it is cut."""
        sent = 0
        end = len(self.body) if self.cut is None else min(self.cut, len(self.body))
        while sent < end or self.endless:
            if self.endless and sent >= len(self.body):
                sent = 0
            piece = self.body[sent : min(sent + self.piece, max(end, 1))]
            sent += len(piece)
            yield b"%x\r\n%b\r\n" % (len(piece), piece) if self.framing == "chunked" else piece
            if self.trickle:
                await asyncio.sleep(self.trickle)
        if self.framing == "chunked" and self.cut is None:
            yield b"0\r\n\r\n"

    def to(self, request: Seen) -> Reply:
        """Fit an honest reply to what was asked: a range, or nothing new."""
        if not self.honest:
            return self
        etag = self.headers.get("ETag")
        if etag is not None and request.headers.get("if-none-match") == etag:
            return attrs.evolve(self, status=304, body=b"")
        asked = request.headers.get("range", "")
        if not asked.startswith("bytes=") or request.headers.get("if-range", etag) != etag:
            return self
        return self._part(int(asked.removeprefix("bytes=").partition("-")[0]))

    def _part(self, start: int) -> Reply:
        size = len(self.body)
        if start >= size:
            return attrs.evolve(self, status=416, body=b"", headers={"Content-Range": f"bytes */{size}"})
        headers = {**self.headers, "Content-Range": f"bytes {start}-{size - 1}/{size}"}
        return attrs.evolve(self, status=206, body=self.body[start:], headers=headers)


Answer: TypeAlias = Reply | Callable[[Seen], Reply]


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"

"""Answers that carry a body: their heads, and which part of the body goes out."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import attrs
from aiohttp import HttpVersion11, web

from entrepot.serve.conditional import Validators, Verdict
from entrepot.serve.on_demand import HELD_BACK, Broken, Flight, Verified
from entrepot.serve.ranges import Range, Unsatisfiable, parse_ranges

if TYPE_CHECKING:
    from entrepot.serve.body import Body

_PIECE: Final = 256 * 1024


@attrs.frozen(kw_only=True)
class Head:
    """What a client is told of a body, whole or in part, sent or not."""

    validators: Validators
    media_type: str
    cache_control: str
    varies: bool = False
    own: Mapping[str, str] = attrs.field(factory=dict)

    def headers(self) -> dict[str, str]:
        """Headers of every answer about this body."""
        vary = {"Vary": "Accept"} if self.varies else {}
        modified = self.validators.last_modified
        return {
            "ETag": self.validators.etag,
            **({"Last-Modified": modified} if modified is not None else {}),
            "Cache-Control": self.cache_control,
            **vary,
            **self.own,
        }

    def response(self, status: int = 200, *, media_type: str | None = None) -> web.StreamResponse:
        """Begin an answer with a body."""
        own = {"Content-Type": media_type or self.media_type, "Accept-Ranges": "bytes"}
        return web.StreamResponse(status=status, headers={**self.headers(), **own})


def without_body(request: web.Request, head: Head) -> web.StreamResponse | None:
    """Answer 304 or 412 when the request's conditions say so, before anything is opened or fetched."""
    verdict = head.validators.judge(request.headers)
    return None if verdict is Verdict.SEND else web.Response(status=verdict.value, headers=head.headers())


async def send_head(request: web.Request, head: Head, size: int | None) -> web.StreamResponse:
    """Answer HEAD: all that GET would say first, as far as it is known."""
    response = head.response()
    response.content_length = size
    await response.prepare(request)
    await response.write_eof()
    return response


def wants_part(request: web.Request, head: Head) -> bool:
    """Whether a range was asked for, of the body as it is now."""
    return "Range" in request.headers and head.validators.ranges_count(request.headers)


async def send(request: web.Request, head: Head, body: Body) -> web.StreamResponse:
    """Send a body that is here, or the parts of it that were asked for."""
    asked = request.headers.get("Range") if wants_part(request, head) else None
    try:
        ranges = parse_ranges(asked, body.size)
    except Unsatisfiable:
        return web.Response(status=416, headers={**head.headers(), "Content-Range": f"bytes */{body.size}"})
    match ranges:
        case []:
            return await _send_whole(request, head, body)
        case [only]:
            return await _send_part(request, head, body, only)
        case several:
            return await _send_parts(request, head, body, several)


async def _send_whole(request: web.Request, head: Head, body: Body) -> web.StreamResponse:
    response = head.response()
    response.content_length = body.size
    await response.prepare(request)
    if body.size:
        await body.send(request, response, start=0, count=body.size)
    await response.write_eof()
    return response


async def _send_part(request: web.Request, head: Head, body: Body, part: Range) -> web.StreamResponse:
    response = head.response(206)
    response.headers["Content-Range"] = part.header(body.size)
    response.content_length = part.count
    await response.prepare(request)
    await body.send(request, response, start=part.start, count=part.count)
    await response.write_eof()
    return response


async def _send_parts(request: web.Request, head: Head, body: Body, parts: Sequence[Range]) -> web.StreamResponse:
    boundary = hashlib.sha256(head.validators.etag.encode()).hexdigest()[:32]
    heads = [
        f"\r\n--{boundary}\r\nContent-Type: {head.media_type}\r\n"
        f"Content-Range: {part.header(body.size)}\r\n\r\n".encode()
        for part in parts
    ]
    end = f"\r\n--{boundary}--\r\n".encode()
    response = head.response(206, media_type=f"multipart/byteranges; boundary={boundary}")
    response.content_length = sum(map(len, heads)) + sum(part.count for part in parts) + len(end)
    await response.prepare(request)
    for part_head, part in zip(heads, parts, strict=True):
        await response.write(part_head)
        await body.send(request, response, start=part.start, count=part.count)
    await response.write(end)
    await response.write_eof()
    return response


def can_follow(request: web.Request, flight: Flight) -> bool:
    """Whether a client would see that a transfer breaks off: by its length, or by its chunks."""
    return flight.wanted.size is not None or request.version >= HttpVersion11


async def follow(request: web.Request, head: Head, flight: Flight) -> web.StreamResponse:
    """Send a body while it comes in, its last part only when the whole is verified.

    When the fetch fails, or begins anew after bytes of it were sent, the connection is broken off.
    """
    spool = flight.spool
    generation, sent = spool.generation, 0
    response = head.response()
    response.content_length = flight.wanted.size
    await response.prepare(request)
    while spool.generation == generation and not isinstance(flight.state, Broken):
        verified = isinstance(flight.state, Verified)
        ready = spool.written - (0 if verified else HELD_BACK)
        if sent < ready:
            piece = await spool.read(sent, min(_PIECE, ready - sent))
            if spool.generation != generation:
                break
            await response.write(piece)
            sent += len(piece)
        elif verified:
            await response.write_eof()
            return response
        else:
            await spool.news()
    _break_off(request)
    return response


def _break_off(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()

"""Brings bytes over http and https: one try, redirects included."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import aiohttp
import importlib_metadata
from aiohttp.abc import AbstractResolver
from yarl import URL

from entrepot.download.address import Allowance
from entrepot.download.answers import (
    NO_SUCH_RANGE,
    NOT_MODIFIED,
    OK,
    PARTIAL,
    content_length,
    error_of,
    resumed_at,
    validator_of,
)
from entrepot.download.body import BodyPump, Bound
from entrepot.download.credentials import Credentials
from entrepot.download.errors import AddressRefused, ResumeRefused, TooSlow, UnexpectedAnswer
from entrepot.download.protocol import Answer
from entrepot.download.redirects import STATUSES, Trail, bare
from entrepot.download.throughput import Watch
from entrepot.download.tls import Trust
from entrepot.download.wire_errors import FOREIGN, translate
from entrepot.errors import SizeMismatch
from entrepot.model.downloading import Validator

if TYPE_CHECKING:
    from entrepot.download.protocol import Lane, Request
    from entrepot.download.throughput import Transfer
    from entrepot.model.incoming import Incoming
    from entrepot.model.remote import Remote

_SMALL: Final = 64 * 1024
_READ_BUFFER: Final = 256 * 1024
#: What a URL may not hold as it goes over the wire; one with such is quoted first, others are sent as they are.
_UNSENDABLE: Final = re.compile(r"[^\x21-\x7e]|[\"<>\\^`{|}]")


class HttpFetcher:
    """Asks one remote, over connections that are kept between requests.

    The session knows no secret, no cookie and no environment: what tells who we are is added to each
    request, by its origin. `resolver` stands in for the system's, in tests.
    """

    def __init__(self, remote: Remote, lane: Lane, *, resolver: AbstractResolver | None = None) -> None:
        self._remote, self._lane, self._resolver = remote, lane, resolver
        self._credentials = Credentials(remote)
        self._allowance = Allowance(remote)
        self._trust = Trust(remote.access)
        self._watch = Watch(remote.politeness, lane.clock)
        self._pump = BodyPump(lane, self._watch)
        self._opened: aiohttp.ClientSession | None = None

    async def fetch(self, request: Request, incoming: Incoming) -> Answer:
        """Ask once, follow redirects, and write the body to `incoming`."""
        transfer = self._watch.begin(request.deadline)
        try:
            try:
                return await self._try(request, incoming, transfer)
            except ResumeRefused:
                request.resumable = None
                incoming.restart()
                self._watch.next_head(transfer)
                return await self._try(request, incoming, transfer)
        except asyncio.CancelledError:
            if transfer.ended_by_watch():
                raise _too_slow(transfer, request.url) from None
            raise
        finally:
            self._watch.end(transfer)

    async def close(self) -> None:
        """Close kept connections."""
        self._watch.close()
        if self._opened is not None:
            await self._opened.close()

    async def _try(self, request: Request, incoming: Incoming, transfer: Transfer) -> Answer:
        url, start = _without_userinfo(request.url), incoming.written
        asked = request.headers
        if start and request.resumable is not None:
            asked = _range_headers(asked, request, start)
        else:
            start = 0
            if request.validator is not None:
                asked = _conditional_headers(asked, request)
        response = await self._ask(url, asked)
        if response.status in STATUSES:
            url, response = await self._follow(Trail(url), response, asked, transfer)
        try:
            return await self._take(response, url, start, request, incoming, transfer)
        except BaseException:
            response.close()
            raise

    async def _follow(
        self, trail: Trail, response: aiohttp.ClientResponse, asked: Mapping[str, str] | None, transfer: Transfer
    ) -> tuple[str, aiohttp.ClientResponse]:
        while response.status in STATUSES:
            response.release()
            url = trail.follow(response.headers.get("Location"))
            self._watch.next_head(transfer)
            response = await self._ask(url, asked)
        return url, response

    async def _ask(self, url: str, asked: Mapping[str, str] | None) -> aiohttp.ClientResponse:
        options: dict[str, Any] = {}
        try:
            if url[:6].lower() == "https:":
                options["ssl"] = self._trust.own if self._credentials.own(url) else self._trust.others
            if self._remote.access.proxy is not None:
                self._allowance.check_for_proxy(url)
            session = self._opened or self._open()
            return await session.request(
                "GET",
                URL(url, encoded=_UNSENDABLE.search(url) is None),
                headers=self._credentials.for_url(url, asked),
                allow_redirects=False,
                proxy=self._remote.access.proxy,
                **options,
            )
        except FOREIGN as error:
            raise translate(self._explained(error, url), url) from None

    def _explained(self, error: Exception, url: str) -> Exception:
        """Find the reason in the address, where a URL was refused for an odd notation of it."""
        if isinstance(error, ValueError):
            try:
                self._allowance.check_spelled_out(url)
            except (AddressRefused, ValueError) as reason:
                return reason
        return error

    def _open(self) -> aiohttp.ClientSession:
        limits = self._remote.politeness
        connector = aiohttp.TCPConnector(
            limit=limits.concurrency, resolver=self._resolver, socket_factory=self._allowance.open_socket
        )
        self._opened = aiohttp.ClientSession(
            connector=connector,
            auto_decompress=False,
            trust_env=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            read_bufsize=_READ_BUFFER,
            timeout=aiohttp.ClientTimeout(
                total=None, connect=limits.connect_timeout, sock_connect=limits.connect_timeout
            ),
            headers={"User-Agent": _user_agent(), "Accept-Encoding": "identity"},
        )
        return self._opened

    async def _take(
        self,
        response: aiohttp.ClientResponse,
        url: str,
        start: int,
        request: Request,
        incoming: Incoming,
        transfer: Transfer,
    ) -> Answer:
        headers = response.headers
        if response.status == NOT_MODIFIED and request.validator is not None and not start:
            return Answer(url, headers, not_modified=True)
        start, length = _begin(response.status, headers, url, start)
        if incoming.written != start:
            incoming.restart()
        _check_promise(headers, start, length, request, url)
        self._watch.body(transfer, response.content)
        if length is not None and length <= _SMALL and not start:
            await self._take_small(response.content, length, incoming, transfer, url)
        else:
            request.resumable = _resumable(headers, request)
            endless = self._remote.politeness.largest_metadata
            bound = Bound(url=url, size=request.expected.size, limit=request.limit if length is not None else endless)
            await self._pump.pour(response.content, incoming, transfer, bound)
        return Answer(url, headers)

    async def _take_small(
        self, content: aiohttp.StreamReader, length: int, incoming: Incoming, transfer: Transfer, url: str
    ) -> None:
        """Read a body that is mostly here already, and hash it in place: a thread would cost more."""
        try:
            data = await content.readany()
            while len(data) < length and (more := await content.readany()):
                data += more
        except FOREIGN as error:
            raise translate(error, url) from None
        await self._pump.account(len(data), transfer)
        if data:
            incoming.write(data)


def _without_userinfo(url: str) -> str:
    """Keep secrets out of the URL that is sent and told: the remote's own are sent as a header."""
    if "@" not in url:
        return url
    try:
        return bare(url)
    except ValueError as error:
        raise translate(error, url) from None


def _begin(status: int, headers: Mapping[str, str], url: str, asked: int) -> tuple[int, int | None]:
    """Return where the body begins and how long it says it is, or raise what the status means."""
    if status == OK:
        return 0, content_length(headers)
    if asked and status == PARTIAL:
        return asked, resumed_at(headers, asked, url)
    if asked and status == NO_SUCH_RANGE:
        raise ResumeRefused("the upstream refuses to send the rest", url, status=status)
    raise error_of(status, headers, url)


def _check_promise(headers: Mapping[str, str], start: int, length: int | None, request: Request, url: str) -> None:
    """Refuse a body by its head: wrong size, no end, or encoded where nothing says how it should be."""
    size = request.expected.size
    if length is not None:
        if size is not None and start + length != size:
            raise SizeMismatch(size, start + length)
        if size is None and request.limit is not None and length > request.limit:
            raise Bound(url=url, size=None, limit=request.limit).exceeded(length)
    blind = request.expected.preferred is None
    if blind and length is None and "chunked" not in headers.get("Transfer-Encoding", "").lower():
        raise UnexpectedAnswer(
            "the answer does not say where its body ends, so it may be cut short unseen",
            url,
            remedy="ask the upstream's operator to send Content-Length",
        )
    if blind and headers.get("Content-Encoding", "identity").lower() != "identity":
        raise UnexpectedAnswer(
            f"the body is encoded as {headers['Content-Encoding']!r:.40}, and no encoding was asked for",
            url,
            remedy="ask the upstream's operator to honour Accept-Encoding",
        )


def _resumable(headers: Mapping[str, str], request: Request) -> Validator | None:
    """Note what the next try needs to ask for the rest: without a digest a weak validator is too weak."""
    validator = validator_of(headers)
    if validator is None or headers.get("Accept-Ranges", "").strip().lower() == "none":
        return None
    if validator.etag is not None and not validator.etag.startswith("W/"):
        return Validator(etag=validator.etag)
    if validator.last_modified is not None and request.expected.preferred is not None:
        return Validator(last_modified=validator.last_modified)
    return None


def _range_headers(asked: Mapping[str, str] | None, request: Request, start: int) -> Mapping[str, str]:
    known = request.resumable or Validator()
    return {**(asked or {}), "Range": f"bytes={start}-", "If-Range": known.etag or known.last_modified or ""}


def _conditional_headers(asked: Mapping[str, str] | None, request: Request) -> Mapping[str, str]:
    known = request.validator or Validator()
    headers = dict(asked or {})
    if known.etag is not None:
        headers["If-None-Match"] = known.etag
    if known.last_modified is not None:
        headers["If-Modified-Since"] = known.last_modified
    return headers


def _too_slow(transfer: Transfer, url: str) -> TooSlow:
    return TooSlow(
        transfer.verdict or "",
        url,
        remedy="try again later, or allow more time: header_timeout, min_throughput, total_timeout of this repository",
    )


def _user_agent() -> str:
    try:
        return f"entrepot/{importlib_metadata.version('entrepot')}"
    except importlib_metadata.PackageNotFoundError:
        return "entrepot"

"""From a request to its answer."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

from aiohttp import web

from entrepot.errors import DepotError, TooManyFiles, UnknownName, UpstreamError
from entrepot.model.publication import read_headers
from entrepot.serve import sending
from entrepot.serve.body import Body, BytesBody, body_of
from entrepot.serve.combined import AskFirst, Merged, look_up_combined
from entrepot.serve.conditional import Validators
from entrepot.serve.kept_pages import KeptPages
from entrepot.serve.lookup import Answer, Found, Listing, Moved, look_up
from entrepot.serve.media_types import media_type_of
from entrepot.serve.merging import Merging
from entrepot.serve.negotiation import choose
from entrepot.serve.on_demand import OnDemand, Wanted
from entrepot.serve.pages import listing_page
from entrepot.serve.refusals import one_line
from entrepot.serve.sending import Head
from entrepot.serve.target import NoSuchPath, Target, parse_target

if TYPE_CHECKING:
    from entrepot.catalog.rows import Located
    from entrepot.depot import Depot
    from entrepot.model.artifact import StoredArtifact
    from entrepot.serve.access import Doorkeeper
    from entrepot.serve.pull_through import PullThrough

#: A version never changes; what is the latest one, a client has to ask each time (and is told 304).
_FOR_EVER: Final = "max-age=31536000, immutable"
_ASK_AGAIN: Final = "no-cache"

#: Seconds. A version's moment is noted a little before it is there, and who made it may have another clock.
_SETTLED: Final = 3600.0


class Repositories:
    """Answers requests for what is in repositories."""

    def __init__(
        self,
        depot: Depot,
        on_demand: OnDemand,
        *,
        pull_through: PullThrough,
        doorkeeper: Doorkeeper,
        clock: Callable[[], float],
    ) -> None:
        self._depot = depot
        self._on_demand = on_demand
        self._pull_through = pull_through
        self._doorkeeper = doorkeeper
        self._clock = clock
        self._pages = KeptPages()
        self._combined = {name: depot.combination(name) for name in depot.settings.combined}
        self._merging = Merging(depot)

    def close(self) -> None:
        """Let go of files that were made for answers."""
        self._merging.close()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer GET or HEAD; raises an `EntrepotError` for what cannot be answered."""
        target = parse_target(request.rel_url.raw_path)
        turned_away = await self._doorkeeper.turn_away(request, target.name)
        return turned_away or await self._answer(request, target)

    async def _answer(self, request: web.Request, target: Target) -> web.StreamResponse:
        after = request.query.get("after", "")
        if "\0" in after:  # no name has one, and not every database can be asked for it
            raise NoSuchPath("nothing is served here")
        answer = await (self._combination(target, after) if target.name in self._combined else self._one(target, after))
        match answer:
            case Moved(url=url):
                url += f"?{query}" if (query := request.rel_url.raw_query_string) else ""
                return web.Response(status=302, headers={"Location": url, "Cache-Control": _ASK_AGAIN})
            case Listing() as listing:
                page = listing_page(target, listing)
                return web.Response(text=page, content_type="text/html", headers={"Cache-Control": _ASK_AGAIN})
            case Found() | Merged():
                return await self._send(request, target, answer)

    async def _one(self, target: Target, after: str) -> Answer:
        """Look into one repository; what is not there may be fetched first."""
        catalog = self._depot.catalog
        looking = partial(look_up, lasting=self._is_lasting(target))
        try:
            return await catalog.ask(looking, catalog.reader, self._pages, target, after)
        except (NoSuchPath, UnknownName):
            if not await self._pull_through.bring(target):
                raise
            return await catalog.ask(looking, catalog.reader, self._pages, target, after)

    async def _combination(self, target: Target, after: str) -> Answer | Merged:
        """Look into several repositories; each may fetch before one that ranks lower is looked into."""
        catalog, asked = self._depot.catalog, list[str]()
        while True:
            looking = partial(look_up_combined, asked=asked)
            found = await catalog.ask(looking, catalog.reader, self._pages, self._combined[target.name], target, after)
            if not isinstance(found, AskFirst):
                return found
            asked.append(found.target.name)
            await self._pull_through.bring(found.target)

    async def _send(self, request: web.Request, target: Target, found: Found | Merged) -> web.StreamResponse:
        located = found.located
        chosen = _choose(request, located)
        if chosen is None:
            kinds = ", ".join(sorted(file.media_type or "" for file in located))
            return one_line(406, f"this is to be had as: {kinds}", Vary="Accept")
        private = await self._doorkeeper.is_private(target.name)
        head = Head(
            validators=Validators(_etag(chosen), self._appeared(target, found)),
            media_type=_content_type(chosen),
            cache_control=f"{'private' if private else 'public'}, {self._keeps(target)}",
            varies=len(located) > 1 and chosen.media_type is not None,
            own=read_headers(chosen.headers),
        )
        bodiless = sending.without_body(request, head)
        if bodiless is not None:
            return bodiless
        if request.method == "HEAD":
            return await sending.send_head(request, head, _size(chosen))
        if isinstance(found, Merged):
            return await _send_and_close(request, head, await self._merging.open(chosen, found))
        holder = found.version.repository
        wanted = _wanted(chosen, holder, private=await self._doorkeeper.is_private(holder))
        body = await self._open(chosen, wanted)
        if body is None and wanted is not None:
            return await self._send_cold(request, head, wanted)
        return await _send_and_close(request, head, body or _nowhere(chosen))

    def _is_lasting(self, target: Target) -> bool:
        """Whether a path names its bytes, so that an earlier version's answer for it is right too."""
        configured = self._depot.settings.repositories.get(target.name)
        publisher = None if configured is None else self._depot.plugins.publisher(configured.type)
        is_lasting = None if publisher is None else publisher[1].is_lasting
        return bool(target.path) and is_lasting is not None and is_lasting(target.path or "")

    def _appeared(self, target: Target, found: Found | Merged) -> float | None:
        """When what is answered came to be; what one repository has no more, another may have had for long."""
        return None if isinstance(found, Merged) or target.name in self._combined else found.version.completed

    def _keeps(self, target: Target) -> str:
        """How long an answer stays right: for ever for a number, and for a moment that is long past.

        Which repositories are combined is for the configuration to say, also of the past.
        """
        if target.name in self._combined:
            return _ASK_AGAIN
        if isinstance(target.at, int) or (target.at is not None and target.at < self._clock() - _SETTLED):
            return _FOR_EVER
        return _ASK_AGAIN

    async def _open(self, located: Located, wanted: Wanted | None) -> Body | None:
        """Open what is held; None when it has to be fetched."""
        if located.body is not None:
            return BytesBody(located.body)
        held = located.artifact or (self._on_demand.kept(wanted) if wanted is not None else None)
        if held is None:
            return None
        try:
            return await asyncio.to_thread(_open_stored, self._depot, held)
        except DepotError as error:
            # Without a file to be had, fetching would only want more of them.
            if wanted is None or isinstance(error, TooManyFiles):
                raise
            self._on_demand.forget(wanted)
            return None

    async def _send_cold(self, request: web.Request, head: Head, wanted: Wanted) -> web.StreamResponse:
        flight = self._on_demand.join(wanted)
        try:
            part = sending.wants_part(request, head)
            if not part and sending.can_follow(request, flight) and await flight.under_way():
                return await sending.follow(request, head, flight)
            whole = await flight.verified()
            body = body_of(flight.spool.file, whole.size)
            return await sending.send(request, head, body)
        finally:
            flight.spool.release()


async def _send_and_close(request: web.Request, head: Head, body: Body) -> web.StreamResponse:
    try:
        return await sending.send(request, head, body)
    finally:
        body.close()


def _choose(request: web.Request, located: Sequence[Located]) -> Located | None:
    """Pick by media type among published files; of an artifact, prefer one that is held."""
    published = {file.media_type: file for file in located if file.media_type is not None}
    if not published:
        return next((file for file in located if file.artifact is not None), located[0])
    if len(published) == 1:
        return next(iter(published.values()))
    kind = choose(_asked_for(request), list(published))
    return None if kind is None else published[kind]


def _asked_for(request: web.Request) -> str:
    """What a client would like, as `Accept` has it; `?format=` goes before, for who can set no header."""
    # A plus sign in a query means a space, and hardly anybody who writes a media type there thinks of it.
    asked = request.query.get("format", "").strip().replace(" ", "+")
    return asked or ",".join(request.headers.getall("Accept", []))


def _etag(located: Located) -> str:
    """The digest: the declared one, so that it is the same before and after the bytes are here."""
    if located.declared is not None:
        algorithm = "" if located.declared.algorithm == "sha256" else f"{located.declared.algorithm}-"
        return f'"{algorithm}{located.declared.hex}"'
    digest = hashlib.sha256(located.body or b"").digest() if located.artifact is None else located.artifact.sha256
    return f'"{digest.hex()}"'


def _content_type(located: Located) -> str:
    kind = located.media_type
    if kind is None:
        return media_type_of(located.relative_path)
    return f"{kind}; charset=utf-8" if kind.startswith("text/") and ";" not in kind else kind


def _size(located: Located) -> int | None:
    if located.body is not None:
        return len(located.body)
    return located.artifact.size if located.artifact is not None else located.size


def _wanted(located: Located, repository: str, *, private: bool) -> Wanted | None:
    """What to fetch when the bytes are not here; None when nothing says what or where."""
    if located.declared is None or not located.urls:
        return None
    return Wanted(repository, private, located.declared, located.size, located.urls)


def _nowhere(located: Located) -> Body:
    raise UpstreamError(
        f"{located.relative_path!r} is not held here, and it is not known where it can be had",
        remedy="sync the repository again",
    )


def _open_stored(depot: Depot, artifact: StoredArtifact) -> Body:
    """Open stored bytes; of another size than they must have, they are not sent."""
    file = depot.storage.open(artifact.sha256)
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    if size != artifact.size:
        file.close()
        raise DepotError(
            f"the stored bytes sha256:{artifact.sha256.hex()} are damaged: {size} of {artifact.size} bytes are there",
            remedy="entrepot verify",
        )
    return body_of(file, size)

"""The server: an aiohttp application over a depot."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from aiohttp import web

from entrepot.errors import ConfigurationError, DepotError, EntrepotError, TooLittleMemory
from entrepot.serve.access import Doorkeeper
from entrepot.serve.handlers import Repositories
from entrepot.serve.on_demand import OnDemand
from entrepot.serve.pages import STYLE, front_page, overview
from entrepot.serve.pull_through import PullThrough
from entrepot.serve.refusals import one_line, refusal
from entrepot.serve.uploads import Uploads
from entrepot.storage.faults import fault

if TYPE_CHECKING:
    from entrepot.depot import Depot
    from entrepot.model.remote import Secret
    from entrepot.settings import Settings
    from entrepot.settings.values import CombinedSettings

_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()

#: Nothing that is served may load or run anything, save the style of our own pages.
_COMMON_HEADERS: Final = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; sandbox allow-downloads",
    "X-Content-Type-Options": "nosniff",
    "Server": "entrepot",
}

#: Seconds: how long an idle connection stays open, and what is being sent may take when the server
#: stops. aiohttp waits so long twice over, which together stays below the ten a signal gives.
_IDLE, _LAST_WORDS = 75.0, 4.5

#: What a request knows once the head of its answer was sent.
_BEGUN: Final = web.RequestKey("begun", bool)


async def run(depot: Depot, *, host: str, port: int, announce: Callable[[str], None], stop: asyncio.Event) -> None:
    """Serve until `stop` is set; `announce` is told the address once connections are accepted.

    Port 0 picks a free one. Raises `ConfigurationError` when the address cannot be listened at, or
    a private repository's token cannot be had. When it stops, nobody new is let in, and what is
    being sent is finished within ten seconds or broken off.
    """
    app = make_app(depot, tokens=read_tokens(depot.settings))
    for repository in depot.settings.repositories.values():
        _ = repository.upload_token  # one that cannot be had is told now, and not to the first who uploads
    with suppress(DepotError):  # what killed servers left; a depot that cannot be written is served all the same
        await asyncio.to_thread(depot.storage.sweep)
    runner = web.AppRunner(app, access_log=None, keepalive_timeout=_IDLE, shutdown_timeout=_LAST_WORDS)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        try:
            await site.start()
        except OSError as error:
            raise ConfigurationError(
                f"cannot listen at {host}, port {port}: {error.strerror or error}",
                remedy="choose another with --host and --port; --port 0 picks a free one",
            ) from error
        announce(_address(runner))
        await stop.wait()
    finally:
        await runner.cleanup()


def make_app(
    depot: Depot, *, tokens: Mapping[str, Secret] | None = None, clock: Callable[[], float] = time.time
) -> web.Application:
    """Make the application; it holds connections to upstreams while it runs.

    `tokens` are those of private repositories, by name. `clock` tells whether a moment is past.
    """
    app = web.Application()
    front = _Front(depot, tokens=tokens or {}, clock=clock)
    app.cleanup_ctx.append(front.opened)
    app.on_response_prepare.append(_add_common_headers)
    app.router.add_route("*", "/{path:.*}", front.answer)
    return app


class _Front:
    """The first to see a request."""

    def __init__(self, depot: Depot, *, tokens: Mapping[str, Secret], clock: Callable[[], float]) -> None:
        self._depot = depot
        self._doorkeeper = Doorkeeper(depot, tokens)
        self._uploads = Uploads(depot)
        self._clock = clock
        self._repositories: Repositories | None = None

    async def opened(self, _: web.Application) -> AsyncIterator[None]:
        """Hold what serving needs while the application runs."""
        async with self._depot.workshop.downloads() as downloads:
            on_demand = OnDemand(self._depot, downloads, clock=asyncio.get_running_loop().time)
            pull_through = PullThrough(self._depot, clock=asyncio.get_running_loop().time)
            self._repositories = Repositories(
                self._depot, on_demand, pull_through=pull_through, doorkeeper=self._doorkeeper, clock=self._clock
            )
            yield
            await pull_through.close()
            await on_demand.close()
            self._repositories.close()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer; what we cannot do is told in one line here, and with its place in the log."""
        try:
            return await self._answer(request)
        except ConnectionError:
            # The client went away: there is nobody to tell, and nothing of ours is wrong.
            return _nobody(request)
        except OSError as error:
            return _instead(request, fault(error, "the server"))
        except EntrepotError as error:
            return _instead(request, error)
        except (MemoryError, RuntimeError) as error:
            lacking = TooLittleMemory.behind(error)
            if lacking is None:
                raise
            return _instead(request, lacking)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        if self._uploads.are_at(request):
            return await self._uploads.answer(request)
        if request.method not in ("GET", "HEAD"):
            return one_line(405, f"{request.method} is not answered here", Allow="GET, HEAD")
        match request.rel_url.raw_path:
            case "/":
                return await self._front_page(request)
            case "/-/status":
                return await self._status()
            case path if path.startswith("/-/") or self._repositories is None:
                return one_line(404, "nothing is served here")
        return await self._repositories.answer(request)

    async def _front_page(self, request: web.Request) -> web.Response:
        def usage(name: str, kind: str) -> str | None:
            found = self._depot.plugins.publisher(kind)
            how = None if found is None else found[1].usage
            return None if how is None else how(f"{request.scheme}://{request.host}/{name}/")

        page = front_page(await self._depot.catalog.ask(overview, self._depot.catalog.reader), usage, self._combined())
        return web.Response(text=page, content_type="text/html", headers={"Cache-Control": "no-cache"})

    async def _status(self) -> web.Response:
        rows = await self._depot.catalog.ask(self._depot.catalog.reader.repositories)
        repositories = [
            {"name": row.name, "type": row.type, "latest": row.latest, "completed": row.completed}
            for row in rows
            if not row.private
        ]
        combined = [{"name": each.name, "repositories": each.repositories} for each in self._combined()]
        told = {"status": "ok", "repositories": repositories, "combined": combined}
        return web.json_response(told, headers={"Cache-Control": "no-store"})

    def _combined(self) -> list[CombinedSettings]:
        """Combinations that everybody may know of."""
        return [each for each in self._depot.settings.combined.values() if not each.private]


def read_tokens(settings: Settings) -> dict[str, Secret]:
    """The tokens of private repositories; one that has none is told in the log, for nobody can read it."""
    tokens = {name: token for name, said in settings.combined.items() if (token := said.read_token) is not None}
    for name, repository in settings.repositories.items():
        token = repository.read_token
        if token is not None:
            tokens[name] = token
        elif repository.private:
            logging.getLogger(__name__).warning(
                "repository %r is private and has no read_token: it is shown to nobody (%s)", name, repository.place
            )
    return tokens


def _instead(request: web.Request, error: EntrepotError) -> web.StreamResponse:
    """Refuse; a body that has begun is broken off, for a refusal would be taken for more of it."""
    refused = refusal(error)
    return _nobody(request) if _BEGUN in request else refused


def _nobody(request: web.Request) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=499)


async def _add_common_headers(request: web.Request, response: web.StreamResponse) -> None:
    request[_BEGUN] = True
    for name, value in _COMMON_HEADERS.items():
        response.headers.setdefault(name, value)


def _address(runner: web.AppRunner) -> str:
    host, port = runner.addresses[0][:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"

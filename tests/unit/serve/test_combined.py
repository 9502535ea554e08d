"""Several repositories served under one name."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from functools import partial
from typing import Any

import attrs
import pytest
from aiohttp import ClientSession

from entrepot.depot import Depot
from entrepot.errors import ConfigurationError
from entrepot.model.remote import Secret
from entrepot.operations.prune import prune
from entrepot.operations.sync import sync
from entrepot.plugin import hookimpl
from entrepot.serve.combined import look_up_combined
from entrepot.serve.kept_pages import KeptPages
from entrepot.serve.lookup import Found
from entrepot.serve.pull_through import NotYet
from entrepot.serve.target import parse_target
from entrepot.testing.bad_origin import BadOrigin
from unit.serve import shelf
from unit.serve.conftest import Open, Serve
from unit.serve.shelf import HTML, JSON, LARGE_PAGE, stock
from unit.serve.test_time_machine import moment

OURS = {"boxes/tools/label": b"our label", "boxes/tools/1.0": b"our 1.0", "readme": b"our readme"}
THEIRS = {
    "boxes/tools/label": b"their label",
    "boxes/tools/9.0": b"their 9.0",
    "boxes/paint/label": b"paint",
    "boxes/paint/1.0": b"their paint",
    "readme": b"their readme",
    "licence": b"their licence",
}
ALL = {"all": {"repositories": ["ours", "theirs"]}}


@pytest.fixture
async def other() -> AsyncIterator[BadOrigin]:
    """A second upstream."""
    async with BadOrigin() as running:
        yield running


@pytest.fixture
def combined(origin: BadOrigin, other: BadOrigin, opened: Open) -> Depot:
    """A private repository of ours before a public one."""
    ours = {"url": stock(origin, OURS), "private": True}
    return opened(combined=ALL, ours=ours, theirs={"url": stock(other, THEIRS)})


@attrs.frozen
class Client:
    """Asks for what is below one address."""

    session: ClientSession
    root: str

    async def got(self, path: str, **headers: str) -> tuple[int, bytes]:
        """Status and body of an answer; of a refusal, the status alone."""
        async with self.session.get(f"{self.root}{path}", headers=headers, allow_redirects=False) as answer:
            body = await answer.read()
            return answer.status, body if answer.ok else b""

    async def headers(self, path: str, **headers: str) -> tuple[int, Mapping[str, str]]:
        """Status and headers of an answer."""
        async with self.session.get(f"{self.root}{path}", headers=headers, allow_redirects=False) as answer:
            return answer.status, answer.headers


@pytest.mark.promise("P36")
@pytest.mark.parametrize("policy", ["immediate", "on_demand"])
async def test_who_ranks_first_and_has_a_group_answers_for_all_of_it(
    origin: BadOrigin, other: BadOrigin, opened: Open, serve: Serve, client: ClientSession, policy: str
) -> None:
    """A higher version elsewhere is not there; what nobody of higher rank has comes from who has it."""
    depot = opened(
        combined=ALL,
        ours={"url": stock(origin, OURS), "policy": policy},
        theirs={"url": stock(other, THEIRS), "policy": policy},
    )

    async with serve(depot, "ours", "theirs") as root:
        asking = Client(client, f"{root}/all")

        assert await asking.got("/boxes/tools/label") == (200, b"our label")
        assert await asking.got("/boxes/tools/1.0") == (200, b"our 1.0")
        assert await asking.got("/boxes/tools/9.0") == (404, b"")
        assert await asking.got("/boxes/tools/never") == (404, b"")
        assert await asking.got("/boxes/paint/1.0") == (200, b"their paint")
        assert await asking.got("/boxes/absent/1.0") == (404, b"")
        assert await asking.got("/readme") == (200, b"our readme")
        assert await asking.got("/licence") == (200, b"their licence")
        assert await asking.got("/absent") == (404, b"")
        assert await Client(client, f"{root}/theirs").got("/boxes/tools/9.0") == (200, b"their 9.0")


async def test_a_combination_takes_no_uploads_and_says_who_might(
    origin: BadOrigin, other: BadOrigin, opened: Open, serve: Serve, client: ClientSession
) -> None:
    """Who puts the combination's address into twine's configuration is told so."""
    depot = opened(combined=ALL, ours={"url": stock(origin, OURS)}, theirs={"url": stock(other, THEIRS)})

    async with serve(depot, "ours", "theirs") as root, client.post(f"{root}/all/upload/", data={"a": "b"}) as answer:
        assert (answer.status, "a combination takes no uploads" in await answer.text()) == (404, True)


async def test_a_file_that_tells_of_everything_is_made_of_all(
    origin: BadOrigin, other: BadOrigin, opened: Open, serve: Serve, client: ClientSession
) -> None:
    """In every form by `Accept` and `format`, with a tag that changes when one of the repositories does."""
    depot = opened(combined=ALL, ours={"url": stock(origin, OURS)}, theirs={"url": stock(other, THEIRS)})

    async with serve(depot, "ours", "theirs") as root:
        asking = Client(client, f"{root}/all")
        status, index = await asking.got("/index/", Accept=JSON)
        assert (status, json.loads(index)) == (200, sorted(OURS | THEIRS))
        assert (await asking.got(f"/index/?format={JSON}"))[1] == index
        assert (await asking.got("/index/", Accept=HTML))[1].count(b"<p>") == 2
        assert (await asking.got("/index/", Accept="image/png"))[0] == 406
        assert await asking.got("/large.txt") == (200, LARGE_PAGE * 2)
        assert await asking.got("/large.txt", Range="bytes=5-8") == (206, LARGE_PAGE[5:9])

        _, said = await asking.headers("/index/", Accept=JSON)
        assert (said["Vary"], said["Content-Type"], said["Content-Length"]) == ("Accept", JSON, str(len(index)))
        assert (await asking.headers("/index/", Accept=JSON, **{"If-None-Match": said["ETag"]}))[0] == 304
        async with client.head(f"{root}/all/index/", headers={"Accept": JSON}) as head:
            assert (head.status, head.headers["ETag"]) == (200, said["ETag"])

        stock(other, {"boxes/glue/label": b"glue"})
        await sync(depot, "theirs")
        status, later = await asking.headers("/index/", Accept=JSON, **{"If-None-Match": said["ETag"]})
        assert (status, later["ETag"] != said["ETag"]) == (200, True)
        assert "boxes/glue/label" in json.loads((await asking.got("/index/", Accept=JSON))[1])


@pytest.mark.promise("P36")
async def test_while_it_is_not_known_what_is_ours_nothing_is_had_from_others(
    origin: BadOrigin, other: BadOrigin, opened: Open, serve: Serve, client: ClientSession
) -> None:
    """A repository that was never synced closes the name for what others would answer; what ranks above it is had."""
    three = {"all": {"repositories": ["first", "ours", "theirs"]}}
    first = {"url": (await _first(origin)), "mirror": True}
    depot = opened(combined=three, first=first, ours={"url": stock(origin, OURS)}, theirs={"url": stock(other, THEIRS)})

    async with serve(depot, "first", "theirs") as root:
        asking = Client(client, f"{root}/all")
        assert await asking.got("/first") == (200, b"first")
        for path in ("boxes/tools/label", "boxes/paint/1.0", "licence", "absent", "index/", "boxes/", ""):
            status, headers = await asking.headers(f"/{path}")
            assert (path, status, headers.get("Retry-After")) == (path, 503, "5")

        await sync(depot, "ours")
        assert await asking.got("/boxes/tools/label") == (200, b"our label")
        assert await asking.got("/boxes/paint/1.0") == (200, b"their paint")


async def _first(origin: BadOrigin) -> str:
    origin.put("/first/first", b"first")
    feed = json.dumps([{**shelf.entry("first", b"first"), "urls": ["first"]}]).encode()
    return origin.put("/first/feed.json", feed)


async def test_a_date_means_each_repository_as_it_was(
    origin: BadOrigin, other: BadOrigin, opened: Open, serve: Serve, client: ClientSession
) -> None:
    """A combination has a past as far back as all of its repositories, and no numbers; what was pruned is gone."""
    tables: dict[str, Any] = {"ours": {"url": stock(origin, {"readme": b"old"}), "mirror": True}}
    depot = opened(combined=ALL, theirs={"url": stock(other, THEIRS)}, **tables)

    async with serve(depot, "ours", "theirs") as root:
        stock(origin, {"other": b"new"})
        await sync(depot, "ours")
        first, second = (version.completed for version in depot.catalog.reader.versions("ours"))
        (theirs,) = (version.completed for version in depot.catalog.reader.versions("theirs"))
        between = moment((theirs + second) / 2)

        async def at(when: str, path: str) -> tuple[int, bytes]:
            return await Client(client, f"{root}/all@{when}").got(f"/{path}")

        assert await at(between, "readme") == (200, b"old")
        assert await at(moment(second + 86_400, "%Y%m%dT%H%M%SZ"), "readme") == (200, b"their readme")
        assert await at(moment((first + theirs) / 2), "licence") == (404, b"")
        assert await at(moment(first - 86_400, "%Y-%m-%d"), "readme") == (404, b"")
        assert await at("1", "readme") == (404, b"")
        assert await at("2026-13-01", "readme") == (404, b"")
        _, headers = await Client(client, f"{root}/all@{between}").headers("/readme")
        assert headers["Cache-Control"] == "public, no-cache"

        await asyncio.to_thread(prune, depot, keep=1)
        assert await at(between, "readme") == (410, b"")
        assert await at(between, "licence") == (410, b"")


@pytest.mark.promise("P36")
async def test_a_version_that_is_pruned_while_it_is_looked_at_is_asked_for_again_and_not_taken_for_empty(
    origin: BadOrigin, other: BadOrigin, opened: Open
) -> None:
    """Or what is ours would be had from others for that moment."""
    depot = opened(combined=ALL, ours={"url": stock(origin, OURS)}, theirs={"url": stock(other, THEIRS)})
    await sync(depot, "ours")
    await sync(depot, "theirs")
    stock(origin, {**OURS, "more": b"more"})

    async def pruned() -> None:
        await sync(depot, "ours")
        await asyncio.to_thread(prune, depot, keep=1)

    meanwhile: Any = Meanwhile(depot.catalog.reader, asyncio.get_running_loop(), pruned)
    looking = partial(look_up_combined, meanwhile, KeptPages(), depot.combination("all"), parse_target("/all/readme"))

    with pytest.raises(NotYet):
        await asyncio.to_thread(looking)
    found = await asyncio.to_thread(looking)
    assert isinstance(found, Found)
    assert found.version.repository == "ours"


@attrs.define
class Meanwhile:
    """A catalog's reader, and something that happens right before it looks at a path for the first time."""

    reader: Any
    loop: asyncio.AbstractEventLoop
    happens: Callable[[], Coroutine[Any, Any, None]] | None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.reader, name)

    def locate(self, *place: Any) -> Any:
        if self.happens is not None:
            happens, self.happens = self.happens, None
            asyncio.run_coroutine_threadsafe(happens(), self.loop).result()
        return self.reader.locate(*place)


async def test_what_one_has_no_more_is_not_taken_for_unchanged(
    origin: BadOrigin, other: BadOrigin, opened: Open, serve: Serve, client: ClientSession
) -> None:
    """Another repository's file may be older than what a client has: no moment is told, and none is believed."""
    depot = opened(combined=ALL, theirs={"url": stock(other, THEIRS)}, ours={"url": stock(origin, OURS)})

    async with serve(depot, "theirs", "ours") as root:
        status, headers = await Client(client, f"{root}/all").headers(
            "/readme", **{"If-Modified-Since": "Fri, 31 Dec 2100 00:00:00 GMT"}
        )

    assert status == 200
    assert "Last-Modified" not in headers
    assert headers["ETag"]


@pytest.mark.promise("P32")
@pytest.mark.parametrize(
    ("token", "shown", "status"),
    [
        (None, {}, 401),
        (None, {"Authorization": "Bearer sesame"}, 200),
        (None, {"Authorization": "Bearer wrong"}, 401),
        ("open", {"Authorization": "Bearer open"}, 200),
        ("open", {"Authorization": "Bearer sesame"}, 401),
    ],
)
async def test_who_may_not_read_a_private_repository_may_not_read_its_combination(
    combined: Depot, serve: Serve, client: ClientSession, token: str | None, shown: dict[str, str], status: int
) -> None:
    """For anything in it, also what is public elsewhere: what is private shows in what is not."""
    tokens = {"ours": Secret("sesame"), **({} if token is None else {"all": Secret(token)})}

    async with serve(combined, "ours", "theirs", tokens=tokens) as root:
        asking = Client(client, root)
        for path in ("/readme", "/licence", "/index/", "/", "/absent"):
            answered, said = await asking.headers(f"/all{path}", **shown)
            assert answered == (404 if path == "/absent" and status == 200 else status)
            assert not said["Cache-Control"].startswith("public")
        assert "all" not in (await asking.got("/-/status"))[1].decode().split('"')
        assert b"/all/" not in (await asking.got("/"))[1]


@pytest.mark.promise("P32")
async def test_two_private_repositories_ask_for_both_tokens(
    origin: BadOrigin, other: BadOrigin, opened: Open, serve: Serve, client: ClientSession
) -> None:
    """One token alone opens nothing, unless it is the same; one that has none hides the whole."""
    mine, yours = {"url": stock(origin, OURS), "private": True}, {"url": stock(other, THEIRS), "private": True}
    depot = opened(combined=ALL, ours=mine, theirs=yours)
    tokens = {"ours": Secret("sesame"), "theirs": Secret("open")}

    async def statuses(**given: Secret) -> list[int]:
        async with serve(depot, tokens=given) as root:
            return [
                (await Client(client, root).got("/all/readme", Authorization=f"Bearer {token}"))[0]
                for token in ("sesame", "open")
            ]

    await sync(depot, "ours")
    await sync(depot, "theirs")
    assert await statuses(**tokens) == [401, 401]
    assert await statuses(**{**tokens, "theirs": Secret("sesame")}) == [200, 401]
    assert await statuses(ours=Secret("sesame")) == [404, 404]


@pytest.mark.promise("P32")
async def test_what_is_fetched_on_demand_is_fetched_by_who_has_it(
    origin: BadOrigin, other: BadOrigin, opened: Open, serve: Serve, client: ClientSession
) -> None:
    """From its own upstream, with its own credentials, and kept as its own: no other repository has the bytes then."""
    ours = {"url": stock(origin, OURS), "private": True, "policy": "on_demand", "headers": {"X-Key": "ours"}}
    theirs = {"url": stock(other, THEIRS), "policy": "on_demand", "headers": {"X-Key": "theirs"}}
    depot = opened(combined=ALL, ours=ours, theirs=theirs)

    async with serve(depot, "ours", "theirs", tokens={"ours": Secret("sesame")}) as root:
        asking = Client(client, f"{root}/all")
        assert await asking.got("/boxes/tools/1.0", Authorization="Bearer sesame") == (200, b"our 1.0")
        assert await asking.got("/boxes/paint/1.0", Authorization="Bearer sesame") == (200, b"their paint")

    assert {request.headers["x-key"] for request in origin.requests} == {"ours"}
    assert {request.headers["x-key"] for request in other.requests} == {"theirs"}
    held = {name: _held(depot, name, path) for name, path in (("ours", "1.0"), ("theirs", "1.0"))}
    assert held == {"ours": True, "theirs": False}
    assert _held(depot, "theirs", "1.0", box="paint")


def _held(depot: Any, name: str, path: str, box: str = "tools") -> bool:
    located = depot.catalog.reader.locate(name, 1, f"boxes/{box}/{path}")
    return any(each.artifact is not None for each in located)


async def test_folders_list_what_is_in_any_of_them(
    origin: BadOrigin, other: BadOrigin, opened: Open, serve: Serve, client: ClientSession
) -> None:
    """Each name once; a folder without its slash leads to the folder, and a date stays in the address."""
    depot = opened(combined=ALL, ours={"url": stock(origin, OURS)}, theirs={"url": stock(other, THEIRS)})

    async with serve(depot, "ours", "theirs") as root:
        asking = Client(client, f"{root}/all")
        boxes = (await asking.got("/boxes/"))[1].decode()
        assert (boxes.count("./paint/"), boxes.count("./tools/")) == (1, 1)
        assert (await asking.got("/"))[1].decode().count("./licence") == 1
        assert (await asking.headers(""))[1]["Location"] == "./all/"
        assert (await asking.headers("/boxes"))[1]["Location"] == "./boxes/"
        assert (await asking.headers("/index"))[1]["Location"] == "./index/"
        assert (await asking.got("/nothing/"))[0] == 404
        assert (await Client(client, f"{root}/all@2999-01-01").headers(""))[1]["Location"] == "./all%402999-01-01/"


async def test_the_front_page_says_what_is_combined(
    origin: BadOrigin, other: BadOrigin, opened: Open, serve: Serve, client: ClientSession
) -> None:
    """In which order, and how it is used; so does the status, for programs."""
    depot = opened(combined=ALL, ours={"url": stock(origin, OURS)}, theirs={"url": stock(other, THEIRS)})

    async with serve(depot, "ours", "theirs") as root:
        page = (await Client(client, root).got("/"))[1].decode()
        status = json.loads((await Client(client, root).got("/-/status"))[1])

    assert f'<a href="./all/">all</a>: from ours, then theirs<br><code>shelf use {root}/all/</code>' in page
    assert status["combined"] == [{"name": "all", "repositories": ["ours", "theirs"]}]


async def test_a_type_that_does_not_say_how_is_not_combined(
    origin: BadOrigin, opened: Open, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its indexes would be those of one repository, beside the files of another: serving does not begin."""
    made = shelf.entrepot_register_publishers()
    monkeypatch.setattr(shelf, "entrepot_register_publishers", _answering([attrs.evolve(made[0], combining=None)]))
    depot = opened(combined=ALL, ours={"url": stock(origin, OURS)}, theirs={"url": stock(origin, OURS)})

    with pytest.raises(ConfigurationError, match="cannot be served as one") as raised:
        async with serve(depot):
            pass

    assert raised.value.remedy.endswith("ours, theirs")
    assert raised.value.where.endswith("entrepot.toml, combined.all")


def _answering(publishers: list[Any]) -> Any:
    @hookimpl
    def entrepot_register_publishers() -> list[Any]:
        return publishers

    return entrepot_register_publishers

"""Texts that a database cannot keep, wherever an upstream can write one."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import aiohttp
import attrs
import pytest
from yarl import URL

from entrepot.cli.invocation import Invocation
from entrepot.cli.output import Output
from entrepot.errors import Failed, UpstreamError
from entrepot.operations.sync import sync
from entrepot.plugin import (
    Artifact,
    Content,
    DeclarativeArtifact,
    DeclarativeContent,
    FirstStage,
    Remote,
    Stage,
    hookimpl,
    indexed,
    key,
)
from entrepot.testing.serving import served
from integration.opening import OpenDepot

ODD = {"nul": "a\0b", "surrogate": "a\ud800b"}


@attrs.frozen
class Note(Content):
    """What an upstream wrote."""

    TYPE = "odd.note"
    name: str = key()
    about: str = indexed(default="")


@attrs.frozen
class Odd:
    """A plugin whose upstream writes a text at some place of one unit, among good ones."""

    place: str
    text: str

    @hookimpl
    def entrepot_register_content_types(self) -> list[type[Content]]:
        return [Note]

    @hookimpl
    def entrepot_register_first_stages(self) -> list[FirstStage]:
        return [FirstStage(type="odd", make=lambda context: Declare(context.remote, self))]


class Declare(Stage):
    """Good notes, and among them the odd one."""

    def __init__(self, remote: Remote, odd: Odd) -> None:
        self.remote, self.odd = remote, odd

    async def run(self) -> None:
        for number in range(9):
            said = {self.odd.place: self.odd.text} if number == 4 else {}
            url = self.remote.url + f"{number}/{said.get('url', '')}"
            where = DeclarativeArtifact(
                Artifact(sha256=hashlib.sha256(b"%d" % number).hexdigest()),
                url,
                f"file-{number}",
                self.remote,
                deferred_download=True,
            )
            note = Note(name=f"{number}{said.get('key', '')}", about=said.get("field", "about"))
            needs = [said["needs"]] if "needs" in said else []
            await self.put(DeclarativeContent(note, [where], scope=said.get("scope", "all"), depends_on=needs))


def repositories(on_error: str) -> dict[str, Any]:
    """Nothing is downloaded, and nothing is there to download from."""
    return {"odd": {"type": "odd", "url": "http://127.0.0.1:1/", "policy": "on_demand", "on_error": on_error}}


PLACES = [
    *((place, "surrogate") for place in ("url", "key", "field", "scope", "needs")),
    *((place, "nul") for place in ("url", "field", "scope", "needs")),
]


@pytest.mark.fault("B18", "B19")
@pytest.mark.promise("P06")
@pytest.mark.parametrize(("place", "text"), PLACES)
async def test_one_text_that_cannot_be_kept_fails_one_unit(open_depot: OpenDepot, place: str, text: str) -> None:
    """The others of its batch are kept, and it is told which and why."""
    with open_depot(repositories("skip"), plugins=[("odd", Odd(place, ODD[text]))]) as depot:
        outcome = await sync(depot, "odd")

        assert (outcome.added, outcome.failed) == (8, 1)
        (failure,) = outcome.report["failures"]
        assert '"odd.note","4' in failure["key"]
        assert "a text of it" in failure["error"]


@pytest.mark.fault("B18")
@pytest.mark.promise("P06")
@pytest.mark.parametrize(("place", "text"), [("field", "nul"), ("scope", "surrogate")])
async def test_where_nothing_may_fail_it_is_the_upstream_that_is_blamed(
    open_depot: OpenDepot, place: str, text: str
) -> None:
    """Not a stage, and not the catalog."""
    with open_depot(repositories("fail"), plugins=[("odd", Odd(place, ODD[text]))]) as depot:
        with pytest.raises(Failed, match="a text of it") as caught:
            await sync(depot, "odd")

        assert caught.value.code == UpstreamError.exit_code
        assert depot.catalog.reader.versions("odd") == []


@pytest.mark.fault("B18")
async def test_a_nul_that_json_writes_otherwise_is_kept(open_depot: OpenDepot) -> None:
    """In a key it is no NUL by the time that it comes to the catalog."""
    with open_depot(repositories("fail"), plugins=[("odd", Odd("key", ODD["nul"]))]) as depot:
        assert (await sync(depot, "odd")).added == 9


@pytest.mark.fault("E07")
async def test_a_nul_in_a_request_is_nothing_that_is_served(open_depot: OpenDepot) -> None:
    """Whatever the catalog would say to it."""
    paths = ["/odd%00/file-1", "/odd/?after=%00", "/odd@1/?after=a%00b", "/odd/%00", "/%00"]
    with open_depot(repositories("fail"), plugins=[("odd", Odd("key", "plain"))]) as depot:
        await sync(depot, "odd")
        statuses = []
        async with served(depot) as address, aiohttp.ClientSession() as client:
            for path in paths:
                async with client.get(URL(address + path, encoded=True)) as answer:
                    statuses.append(answer.status)

    assert statuses == [404] * len(paths)


@pytest.mark.fault("B18")
@pytest.mark.promise("P06")
def test_a_line_for_programs_can_be_written_whatever_is_in_it(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    """What could not be kept is told, for that is how one finds it."""
    Output(Invocation({}, json=True)).line({"scope": ODD["surrogate"], "key": "\u00e9"})

    assert json.loads(capsysbinary.readouterr().out) == {"scope": "a?b", "key": "\u00e9"}

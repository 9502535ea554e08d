"""A misbehaving upstream as data: entries pick their requests, and mistakes are told by entry."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from entrepot.errors import ConfigurationError
from entrepot.testing.bad_origin import BadOrigin


@pytest.fixture
def trees(tmp_path: Path) -> Path:
    """Two states of an upstream."""
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "list").write_text(name)
    return tmp_path


async def answers(script: Mapping[str, Any], folder: Path, *paths: str) -> list[tuple[int, str]]:
    """Ask for the paths in turn, and tell status and body of each answer."""
    async with BadOrigin() as origin, aiohttp.ClientSession() as client:
        origin.play(script, folder=folder)
        told = []
        for path in paths:
            async with client.get(origin.url(path)) as response:
                told.append((response.status, await response.text()))
        return told


async def test_what_no_entry_is_for_is_served_well_from_the_tree(trees: Path) -> None:
    """A script says what goes wrong, and nothing else."""
    script = {"trees": {"old": "old"}, "tree": "old", "replies": [{"path": "/x", "status": 500}]}

    told = await answers(script, trees, "/list", "/nothing", "/x", "/../new/list", "/%2e%2e/new/list")

    assert told[0] == (200, "old")
    assert [status for status, _ in told] == [200, 404, 500, 404, 404]


async def test_an_entry_is_for_requests_by_their_number(trees: Path) -> None:
    """`request` counts those for one path, `arrival` those for the whole glob."""
    replies = [
        {"path": "/a*", "request": "2-3", "status": 503},
        {"path": "/b*", "arrival": "2", "status": 429},
        {"path": "/*", "body": "well"},
    ]

    told = await answers({"replies": replies}, trees, "/a1", "/a1", "/a2", "/a1", "/a1", "/b1", "/b2", "/b1")

    assert [status for status, _ in told] == [200, 503, 200, 503, 200, 200, 429, 200]


async def test_the_tree_is_switched_in_the_midst(trees: Path) -> None:
    """An upstream republishes while somebody reads it: from that request on all is as in the other tree."""
    switch = {"path": "*", "arrival": "3", "switch": "new"}
    script = {"trees": {"old": "old", "new": "new"}, "tree": "old", "replies": [switch]}

    told = await answers(script, trees, *["/list"] * 4)

    assert [body for _, body in told] == ["old", "old", "new", "new"]


async def test_a_good_file_is_spoiled_as_the_entry_says(trees: Path) -> None:
    """What an entry leaves open is as the file has it."""
    script = {"trees": {"old": "old"}, "tree": "old", "replies": [{"path": "/list", "request": "1", "cut": 1}]}
    async with BadOrigin() as origin, aiohttp.ClientSession() as client:
        origin.play(script, folder=trees)

        with pytest.raises(aiohttp.ClientPayloadError):
            await (await client.get(origin.url("/list"))).read()
        assert await (await client.get(origin.url("/list"))).read() == b"old"


async def test_chance_is_the_same_for_the_same_seed(trees: Path) -> None:
    """A run that failed is run again with its seed."""

    def script(seed: int) -> dict[str, Any]:
        return {"seed": seed, "replies": [{"path": "*", "chance": 0.5, "status": 500}]}

    first, again, other = [await answers(script(seed), trees, *["/x"] * 40) for seed in (1, 1, 2)]

    assert first == again
    assert first != other
    assert {status for status, _ in first} == {404, 500}


@pytest.mark.parametrize(
    ("script", "where", "what"),
    [
        ({"replies": [{"path": "/a"}, {"path": "/b", "statos": 500}]}, "replies[1]", "did you mean 'status'"),
        ({"replies": [{"path": "/b", "status": "500"}]}, "replies[0].status", "number"),
        ({"replies": [{"status": 500}]}, "replies[0]", "path"),
        ({"replies": [{"path": "/b", "request": "0"}]}, "replies[0].request", "numbers no requests"),
        ({"replies": [{"path": "/b", "arrival": "2..3"}]}, "replies[0].arrival", "numbers no requests"),
        ({"replies": [{"path": "/b", "chance": 1.5}]}, "replies[0].chance", "no chance"),
        ({"replies": [{"path": "/b", "switch": "neu"}], "trees": {"new": "new"}}, "replies[0].switch", "'new'"),
        ({"replies": [{"path": "/b", "framing": "none"}]}, "replies[0].framing", "chunked"),
        ({"replies": [{"path": "/b", "body_file": "gone"}]}, "replies[0].body_file", "gone"),
        ({"replies": [{"path": "/b", "body": "x", "body_file": "old/list"}]}, "replies[0]", "both"),
        ({"trees": {"gone": "gone"}}, "trees.gone", "no folder"),
        ({"tree": "new"}, "tree", "no tree"),
    ],
)
async def test_a_mistake_is_told_with_its_entry(trees: Path, script: dict[str, Any], where: str, what: str) -> None:
    """Whoever writes a script of eighty entries is told which one it is."""
    async with BadOrigin() as origin:
        with pytest.raises(ConfigurationError) as caught:
            origin.play(script, folder=trees)

    assert where in caught.value.where
    assert what in f"{caught.value.what} {caught.value.remedy}"
    assert caught.value.remedy


async def test_it_is_a_command_that_tells_its_address_and_every_request(trees: Path) -> None:
    """Other programs are tried against it, and its log is read by them."""
    script = trees / "script.toml"
    script.write_text('tree = "old"\n[trees]\nold = "old"\n[[replies]]\npath = "/bad"\nstatus = 503\n')
    command = [sys.executable, "-m", "entrepot.testing.bad_origin", str(script)]
    running = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert running.stdout is not None
    try:
        address = (await running.stdout.readline()).decode().strip()
        async with aiohttp.ClientSession() as client:
            assert await (await client.get(f"{address}list")).text() == "old"
            assert (await client.get(f"{address}bad", headers={"X-Token": "t"})).status == 503
        told = [json.loads(await running.stdout.readline()) for _ in range(2)]
    finally:
        running.send_signal(signal.SIGINT)
        _, errors = await running.communicate()

    assert [(line["path"], line["number"], line["status"]) for line in told] == [("/list", 1, 200), ("/bad", 1, 503)]
    assert told[1]["headers"]["x-token"] == "t"
    assert (running.returncode, errors) == (0, b"")


def test_a_script_that_cannot_be_used_is_exit_code_2(trees: Path) -> None:
    """With what, where and remedy, and no traceback."""
    script = trees / "script.toml"
    script.write_text('[[replies]]\npath = "/bad"\nstatos = 503\n')

    ended = subprocess.run(
        [sys.executable, "-m", "entrepot.testing.bad_origin", str(script)], capture_output=True, text=True, check=False
    )

    assert (ended.returncode, ended.stdout) == (2, "")
    assert "replies[0]" in ended.stderr
    assert "remedy" in ended.stderr
    assert "Traceback" not in ended.stderr

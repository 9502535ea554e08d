"""Plain files that somebody uploads are served where they ask to be, and stay what they are."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import aiohttp
import pytest

import entrepot_file.plugin
from entrepot.testing import check_depot, depot, served

PLUGINS = [("file", entrepot_file.plugin)]


async def send(session: aiohttp.ClientSession, address: str, filename: str, body: bytes, **fields: str) -> int:
    """Upload one file; the status."""
    form = aiohttp.FormData({":action": "file_upload", "protocol_version": "1", **fields})
    form.add_field("content", io.BytesIO(body), filename=filename)
    headers = {"Authorization": "Bearer secret"}
    async with session.post(f"{address}/ours/upload/", data=form, headers=headers) as answer:
        return answer.status


def table(folder: Path) -> dict[str, Any]:
    """A repository that takes files."""
    token = folder / "token"
    token.write_text("secret")
    token.chmod(0o600)
    return {"ours": {"type": "file", "uploads": True, "upload_token": {"file": str(token)}}}


async def test_a_file_is_served_where_its_form_says(tmp_path: Path) -> None:
    """Else under its own name; lists of the repository name it, and its bytes stay."""
    with depot(tmp_path / "depot", table(tmp_path), plugins=PLUGINS, installed=False) as opened:
        async with served(opened) as address, aiohttp.ClientSession() as session:
            assert await send(session, address, "one.txt", b"one") == 200
            assert await send(session, address, "two.txt", b"two", path="deep/er/two.txt") == 200
            assert await send(session, address, "one.txt", b"one") == 200
            assert await send(session, address, "one.txt", b"another") == 409
            async with session.get(f"{address}/ours/SHA256SUMS") as answer:
                listed = [line.split("  ", 1)[1] for line in (await answer.text()).splitlines()]
            async with session.get(f"{address}/ours/deep/er/two.txt") as answer:
                assert await answer.read() == b"two"

        assert listed == ["deep/er/two.txt", "one.txt"]
        assert opened.catalog.reader.version("ours").number == 2
        assert not check_depot(opened)


@pytest.mark.parametrize("path", ["../up", "/root", "a//b", "SHA256SUMS", "PULP_MANIFEST", "a\0b"])
async def test_a_path_that_cannot_be_is_refused(tmp_path: Path, path: str) -> None:
    """It leads out, or is a list that is written here."""
    with depot(tmp_path / "depot", table(tmp_path), plugins=PLUGINS, installed=False) as opened:
        async with served(opened) as address, aiohttp.ClientSession() as session:
            assert await send(session, address, "one.txt", b"one", path=path) == 400

        assert not check_depot(opened)

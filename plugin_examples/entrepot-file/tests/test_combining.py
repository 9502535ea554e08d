"""Several repositories of files served as one."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import aiohttp

import entrepot_file.plugin
from entrepot.testing import depot, served, sync


def tree(folder: Path, files: dict[str, str]) -> dict[str, Any]:
    """Lay out a folder: the table of a repository that has its files."""
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return {"type": "file", "url": f"{folder.as_uri()}/", "options": {"format": "tree"}}


async def test_a_path_is_had_from_the_first_that_has_it_and_the_lists_say_so(tmp_path: Path) -> None:
    """Both lists name each path once, with the digest of what is had there."""
    ours = {"tool, mine": "ours", "b/only": "only ours"}
    theirs = {"tool, mine": "theirs", "a": "only theirs"}
    tables = {"ours": tree(tmp_path / "ours", ours), "theirs": tree(tmp_path / "theirs", theirs)}
    combined = {"all": {"repositories": ["ours", "theirs"]}}
    plugins = [("file", entrepot_file.plugin)]
    with depot(tmp_path / "depot", tables, combined=combined, plugins=plugins, installed=False) as opened:
        await sync(opened, "ours")
        await sync(opened, "theirs")
        async with served(opened) as address, aiohttp.ClientSession() as session:

            async def got(path: str) -> str:
                async with session.get(f"{address}/all/{path}", raise_for_status=True) as answer:
                    return await answer.text()

            bodies = {path: await got(path) for path in theirs | ours}
            sums, manifest = await got("SHA256SUMS"), await got("PULP_MANIFEST")

    assert bodies == theirs | ours
    digests = {path: hashlib.sha256(body.encode()).hexdigest() for path, body in bodies.items()}
    assert sorted(sums.splitlines()) == sorted(f"{digest}  {path}" for path, digest in digests.items())
    assert sorted(manifest.splitlines()) == sorted(
        f"{path},{digest},{len(bodies[path])}" for path, digest in digests.items()
    )

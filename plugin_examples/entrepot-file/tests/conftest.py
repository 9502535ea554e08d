"""An upstream on loopback, and a depot to mirror it into."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import attrs
import pytest

import entrepot_file.plugin
from entrepot.plugin import DeclarativeVersion, RepositoryVersion
from entrepot.testing import BadOrigin, Reply, depot


@attrs.define
class Upstream:
    """A web server with files and lists of them; counts what it is asked for."""

    origin: BadOrigin
    files: dict[str, bytes] = attrs.field(factory=dict)

    def add(self, path: str, body: bytes) -> None:
        """Serve a file."""
        self.files[path] = body
        self.origin.put(f"/{path}", body)

    def manifest(self) -> list[str]:
        """The lines that a right manifest has."""
        return [f"{path},{hashlib.sha256(body).hexdigest()},{len(body)}" for path, body in self.files.items()]

    def sums(self) -> list[str]:
        """The lines that a right list of checksums has."""
        return [f"{hashlib.sha256(body).hexdigest()}  ./{path}" for path, body in self.files.items()]

    def write(self, name: str, lines: list[str], *, tag: bool = True) -> None:
        """Serve a list, with an ETag where it is wanted."""
        body = "".join(f"{line}\n" for line in lines).encode()
        headers = {"ETag": f'"{hashlib.sha256(body).hexdigest()[:8]}"'} if tag else {}
        self.origin.on(f"/{name}", Reply(body=body, headers=headers, honest=tag))

    def reply(self, text: str) -> Reply:
        """Answer with a text."""
        return Reply(body=text.encode())

    def asked(self, path: str) -> int:
        """How often a path was asked for."""
        return self.origin.count(f"/{path}")


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    """An upstream with three files and a manifest."""
    async with BadOrigin() as origin:
        upstream = Upstream(origin)
        for path in ("a.iso", "folder/b.iso", "folder/empty"):
            upstream.add(path, b"" if path.endswith("empty") else f"the bytes of {path}".encode())
        upstream.write("PULP_MANIFEST", upstream.manifest())
        upstream.write("SHA256SUMS", upstream.sums())
        yield upstream


Open = Callable[..., AbstractContextManager[Any]]


@pytest.fixture
def open_depot(tmp_path: Path) -> Open:
    """Open the test's depot with one repository, `isos`; arguments are its URL and keys of its table."""

    def opened(url: str, **table: Any) -> AbstractContextManager[Any]:
        isos = {"type": "file", "url": url, "allow_private": True, "mirror": True, "retries": 0, **table}
        return depot(tmp_path / "depot", {"isos": isos}, plugins=[("file", entrepot_file.plugin)], installed=False)

    return opened


Sync = Callable[[Any], Awaitable[RepositoryVersion | None]]


@pytest.fixture
def sync() -> Sync:
    """Sync the repository of an open depot as it is configured."""

    async def synced(opened: Any) -> RepositoryVersion | None:
        request = opened.request("isos")
        first_stage = opened.first_stage("isos").make(request)
        return await DeclarativeVersion(first_stage, opened.repository("isos"), request.mirror).create_async()

    return synced


Listed = Callable[..., dict[str, bytes | None]]


@pytest.fixture
def listed() -> Listed:
    """The members of a version by path, each with its bytes, or None where they are not held."""

    def members(opened: Any, number: int = 1) -> dict[str, bytes | None]:
        found = {}
        for row in opened.catalog.reader.members("isos", number, limit=10_000):
            (path,) = json.loads(row.key)[1:]
            (located,) = opened.catalog.reader.locate("isos", number, path)
            found[path] = None
            if located.artifact is not None:
                with opened.storage.open(located.artifact.sha256) as body:
                    found[path] = body.read()
        return found

    return members

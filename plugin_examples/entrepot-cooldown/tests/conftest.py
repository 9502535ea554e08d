"""An index whose files say when they were uploaded, a clock to turn, and a depot that mirrors it."""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import attrs
import pytest

import entrepot_cooldown.plugin
import entrepot_python.plugin
from entrepot.testing import BadOrigin, Reply, depot

JSON = "application/vnd.pypi.simple.v1+json"
TODAY = datetime.datetime(2026, 11, 1, tzinfo=datetime.UTC)


@attrs.define
class Clock:
    """Virtual time: it stands still until a test turns it."""

    now: float = TODAY.timestamp()

    def __call__(self) -> float:
        return self.now

    def turn(self, **by: float) -> None:
        """Turn it forward by days, hours, seconds."""
        self.now += datetime.timedelta(**by).total_seconds()


@attrs.define
class Index:
    """A simple index in JSON, with ETags; counts what it is asked for."""

    origin: BadOrigin
    files: dict[str, dict[str, Any]] = attrs.field(factory=dict)

    def add(self, filename: str, *, days_ago: float | None, body: str = "", **said: Any) -> None:
        """List a file of its project, or list it anew."""
        content = (body or f"the bytes of {filename}").encode()
        self.origin.put(f"/packages/{filename}", content)
        entry: dict[str, Any] = {
            "filename": filename,
            "url": f"../../packages/{filename}",
            "hashes": {"sha256": hashlib.sha256(content).hexdigest()},
            "size": len(content),
            **said,
        }
        if days_ago is not None:
            entry["upload-time"] = (TODAY - datetime.timedelta(days=days_ago)).isoformat().replace("+00:00", "Z")
        self.files[filename] = entry
        self.write()

    def write(self) -> None:
        """Serve the page of each project."""
        for project in {name.partition("-")[0] for name in self.files}:
            files = [entry for name, entry in self.files.items() if name.startswith(f"{project}-")]
            body = json.dumps({"meta": {"api-version": "1.1"}, "name": project, "files": files}).encode()
            tag = f'"{hashlib.sha256(body).hexdigest()[:8]}"'
            headers = {"Content-Type": JSON, "ETag": tag}
            self.origin.on(f"/simple/{project}/", Reply(body=body, headers=headers, honest=True))

    def fetched(self, filename: str) -> int:
        """How often a file was asked for."""
        return self.origin.count(f"/packages/{filename}")


@pytest.fixture
def clock() -> Clock:
    """The first of November 2026, to begin with."""
    return Clock()


@pytest.fixture
async def index() -> AsyncIterator[Index]:
    """An index with an old file and one of five days."""
    async with BadOrigin() as origin:
        index = Index(origin)
        index.add("demo-1.0.tar.gz", days_ago=100)
        index.add("demo-2.0.tar.gz", days_ago=5)
        yield index


@pytest.fixture
def open_depot(tmp_path: Path, index: Index, clock: Clock) -> Callable[..., AbstractContextManager[Any]]:
    """Open the depot with the repository `tools`: options of cooldown first, then keys of its table."""

    def opened(cooldown: dict[str, Any], **table: Any) -> AbstractContextManager[Any]:
        tools = {"type": "python", "url": index.origin.url("/simple/"), "allow_private": True, "retries": 0}
        tools |= {"options": {"include": ["demo"]}, "plugins": {"cooldown": cooldown}, **table}
        plugins = [("python", entrepot_python.plugin), ("cooldown", entrepot_cooldown.plugin)]
        return depot(tmp_path / "depot", {"tools": tools}, plugins=plugins, installed=False, clock=clock)

    return opened

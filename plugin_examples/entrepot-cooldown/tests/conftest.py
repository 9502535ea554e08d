"""An index whose files say when they were uploaded, and a depot that mirrors it in virtual time."""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import attrs
import pytest

import entrepot_cooldown.plugin
import entrepot_python.plugin
from entrepot.testing import BadOrigin, Clock, OpenDepot, Reply

JSON = "application/vnd.pypi.simple.v1+json"
TODAY = Clock().moment

pytest_plugins = ["entrepot.testing.pytest_plugin"]


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
def index(origin: BadOrigin) -> Index:
    """An index with an old file and one of five days."""
    index = Index(origin)
    index.add("demo-1.0.tar.gz", days_ago=100)
    index.add("demo-2.0.tar.gz", days_ago=5)
    return index


@pytest.fixture
def open_depot(index: Index, open_depot: OpenDepot) -> Callable[..., AbstractContextManager[Any]]:
    """Open the depot with the repository `tools`: options of cooldown first, then keys of its table."""

    def opened(cooldown: dict[str, Any], **table: Any) -> AbstractContextManager[Any]:
        tools = {"type": "python", "url": index.origin.url("/simple/"), "allow_private": True, "retries": 0}
        tools |= {"options": {"include": ["demo"]}, "plugins": {"cooldown": cooldown}, **table}
        plugins = [("python", entrepot_python.plugin), ("cooldown", entrepot_cooldown.plugin)]
        return open_depot({"tools": tools}, plugins=plugins, installed=False)

    return opened

"""An upstream of bundles, and a depot to mirror it into."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import attrs
import pytest

import entrepot_bundle.plugin
from entrepot.testing import BadOrigin, depot

Open = Callable[..., AbstractContextManager[Any]]


@attrs.define
class Upstream:
    """Bundles by name, each with its blobs by path; edit them, and `publish`."""

    origin: BadOrigin
    bundles: dict[str, dict[str, bytes]] = attrs.field(factory=dict)

    def listing(self, files: Mapping[str, bytes]) -> bytes:
        """List files as an index and a manifest do."""
        digests = {path: hashlib.sha256(body).hexdigest() for path, body in files.items()}
        said = [{"path": path, "sha256": digests[path], "size": len(body)} for path, body in files.items()]
        return json.dumps({"files": said}).encode()

    def publish(self) -> dict[str, bytes]:
        """Serve all of it; what a mirror has of it, by path."""
        manifests = {f"{name}.json": self.listing(blobs) for name, blobs in self.bundles.items()}
        files = {**manifests, "index.json": self.listing(manifests)}
        for blobs in self.bundles.values():
            files |= blobs
        for path, body in files.items():
            self.origin.put(f"/{path}", body)
        return files

    def asked(self) -> list[str]:
        """What was asked for since the last time, in order of path."""
        paths = sorted(request.path[1:] for request in self.origin.requests)
        self.origin.requests.clear()
        return paths


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    """Three bundles, two of which have a blob in common."""
    async with BadOrigin() as origin:
        made = Upstream(origin)
        made.bundles["red"] = {"red/1": b"first", "shared": b"both"}
        made.bundles["blue"] = {"blue/1": b"second", "shared": b"both"}
        made.bundles["green"] = {"green/1": b"third"}
        yield made


@pytest.fixture
def open_depot(tmp_path: Path, upstream: Upstream) -> Open:
    """Open the test's depot with one repository, `tools`; arguments are keys of its table."""

    def opened(**table: Any) -> AbstractContextManager[Any]:
        url = upstream.origin.url("/index.json")
        tools = {"type": "bundle", "url": url, "allow_private": True, "mirror": True, "retries": 0, **table}
        plugins = [("bundle", entrepot_bundle.plugin)]
        return depot(tmp_path / "depot", {"tools": tools}, plugins=plugins, installed=False)

    return opened

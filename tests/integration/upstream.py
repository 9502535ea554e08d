"""A firmware upstream that a test edits between syncs."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from entrepot.testing.bad_origin import BadOrigin


class FirmwareUpstream:
    """Images by name, and the feed that lists them; edit, then `publish()`."""

    def __init__(self, origin: BadOrigin, folder: str = "/fw") -> None:
        self.origin = origin
        self.folder = folder
        self.images: dict[str, bytes] = {}
        self.says: dict[str, dict[str, Any]] = {}

    @property
    def url(self) -> str:
        return self.origin.url(f"{self.folder}/feed.json")

    def add(self, name: str, body: bytes, **says: Any) -> None:
        self.images[name] = body
        self.says[name] = says

    def publish(self) -> None:
        entries = []
        for name, body in self.images.items():
            self.origin.put(f"{self.folder}/{name}.bin", body)
            stated = {
                "name": name,
                "file": f"{name}.bin",
                "sha256": hashlib.sha256(body).hexdigest(),
                "size": len(body),
            }
            entries.append({**stated, **self.says[name]})
        self.origin.put(f"{self.folder}/feed.json", json.dumps(entries).encode())

    def artifact_requests(self) -> int:
        return self.origin.count(f"{self.folder}/*.bin")

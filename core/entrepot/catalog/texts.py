"""Text that comes from anywhere, as both databases take it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec


def storable(text: str) -> str:
    """The text without what is no Unicode, and without NUL, which PostgreSQL cannot keep."""
    return text.encode(errors="replace").decode().replace("\0", "\ufffd")


def storable_json(value: Mapping[str, Any]) -> str:
    """A report as JSON; texts in it may quote whatever an upstream sent."""
    return msgspec.json.encode(_storable(msgspec.to_builtins(value))).decode()


def _storable(value: Any) -> Any:
    match value:
        case str():
            return storable(value)
        case dict():
            return {storable(str(name)): _storable(part) for name, part in value.items()}
        case list() | tuple():
            return [_storable(part) for part in value]
    return value

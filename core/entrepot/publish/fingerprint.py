"""The publication fingerprint: what besides content decides the published bytes."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec


def fingerprint(*, publisher: str, version: str, options: Any) -> str:
    """Digest a publisher's name, its version and its options; equal values give equal text."""
    said = msgspec.json.encode([publisher, version, options], order="sorted", enc_hook=repr)
    return hashlib.sha256(said).hexdigest()

"""What a sync refuses to believe of its upstream until somebody confirms it."""

from __future__ import annotations

from entrepot.errors import UpstreamError


class ContentLost(UpstreamError):
    """The upstream no longer lists most of what the latest version has."""


class OlderThanSeen(UpstreamError):
    """Metadata is older than what the latest good sync saw under the same name."""


class Expired(UpstreamError):
    """Metadata is past the moment until which the upstream vouches for it."""


class ClockDisagrees(UpstreamError):
    """Metadata comes from the future, so this machine's clock or the upstream's is wrong."""

"""The contract of first stages holds for a good one, and each promise of it fails on one that breaks it."""

from __future__ import annotations

from entrepot.testing.first_stage_contract import FirstStageContract
from unit.testing.feed_plugin import FeedFormat


class TestFeed(FeedFormat, FirstStageContract):
    """A first stage as it should be."""

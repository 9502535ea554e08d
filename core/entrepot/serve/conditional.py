"""Conditional requests: has the client what it asks for already? (RFC 9110, section 13)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.utils import formatdate, parsedate_to_datetime
from enum import Enum

import attrs

_ETAG = re.compile(r'(W/)?"([^"]*)"')


class Verdict(Enum):
    """What the conditions of a request come to."""

    SEND = 200
    NOT_MODIFIED = 304
    FAILED = 412


@attrs.frozen
class Validators:
    """What tells one state of a body from another: a strong tag, and when its version appeared.

    `modified` is None where a later state may be of an earlier version.
    """

    etag: str
    modified: float | None

    @property
    def last_modified(self) -> str | None:
        """The moment, as HTTP writes it."""
        return None if self.modified is None else formatdate(int(self.modified), usegmt=True)

    def judge(self, headers: Mapping[str, str]) -> Verdict:
        """Weigh the conditions of a GET or HEAD in the order that RFC 9110 gives."""
        match, unmodified = headers.get("If-Match"), headers.get("If-Unmodified-Since")
        if match is not None:
            if not self._listed(match, weak=False):
                return Verdict.FAILED
        elif unmodified is not None and self._is_newer_than(unmodified):
            return Verdict.FAILED
        none_match, since = headers.get("If-None-Match"), headers.get("If-Modified-Since")
        if none_match is not None:
            return Verdict.NOT_MODIFIED if self._listed(none_match, weak=True) else Verdict.SEND
        if since is not None and self._is_newer_than(since) is False:
            return Verdict.NOT_MODIFIED
        return Verdict.SEND

    def ranges_count(self, headers: Mapping[str, str]) -> bool:
        """Whether `Range` is to be looked at: `If-Range` is absent, or names this very state."""
        asked = headers.get("If-Range")
        return asked is None or asked.strip() in (self.etag, self.last_modified)

    def _listed(self, header: str, *, weak: bool) -> bool:
        if header.strip() == "*":
            return True
        return any((weak or not mark) and f'"{tag}"' == self.etag for mark, tag in _ETAG.findall(header))

    def _is_newer_than(self, header: str) -> bool | None:
        """None when the header is no date, or there is none of ours, which makes its condition void."""
        if self.modified is None:
            return None
        try:
            return int(self.modified) > parsedate_to_datetime(header).timestamp()
        except (ValueError, TypeError, OverflowError):
            return None

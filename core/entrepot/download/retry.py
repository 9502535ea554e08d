"""Which URL to try next, after how long, and when to give up.

Written by hand rather than with a library of retries: those keep the time and the dice to
themselves, and know nothing of several URLs, of which one may be wrong and another merely late.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from entrepot.download.errors import DownloadError, Unreachable
from entrepot.errors import EntrepotError, IntegrityError

if TYPE_CHECKING:
    from entrepot.model.remote import Politeness

_FIRST_DELAY: Final = 0.5
_LONGEST_DELAY: Final = 30.0
#: An origin that no connection reaches is given up on when this much time is gone.
_PATIENCE: Final = 30.0


class Trials:
    """The tries of one download, begun when the first has failed.

    URLs are tried in turn; those that failed for good are left out. Each round after the first
    waits, with full jitter, twice as long as the one before, and as long as the upstream asked.
    Wrong bytes are asked for once again from the same URL, at once and from the start.
    """

    def __init__(
        self, urls: Sequence[str], politeness: Politeness, *, clock: Callable[[], float], rng: random.Random
    ) -> None:
        self._politeness, self._clock, self._rng = politeness, clock, rng
        self._urls = list(urls)
        self._at = 0
        self._round = 0
        self._doubted: set[str] = set()
        self._asked_to_wait = 0.0
        self._began = clock()
        self._worst: EntrepotError | None = None
        self.attempt = 1

    @property
    def url(self) -> str:
        """The URL to try now."""
        return self._urls[self._at]

    def next(self, error: DownloadError | IntegrityError, *, deadline: float | None) -> float:
        """Choose what to try after this error, and return how long to wait before; raise to give up.

        Given up, wrong bytes are told rather than a failure that came after them: they are the
        graver news.
        """
        self.attempt += 1
        if self._worst is None or not isinstance(self._worst, IntegrityError):
            self._worst = error
        if isinstance(error, IntegrityError):
            if self.url not in self._doubted:
                self._doubted.add(self.url)
                return 0.0
            del self._urls[self._at]
        elif not error.transient or self._unreachable_for_long(error):
            del self._urls[self._at]
        else:
            self._asked_to_wait = max(self._asked_to_wait, error.retry_after or 0.0)
            self._at += 1
        return self._delay(deadline)

    def _unreachable_for_long(self, error: DownloadError) -> bool:
        gone = self._clock() - self._began
        return isinstance(error, Unreachable) and gone + self._politeness.connect_timeout > _PATIENCE

    def _delay(self, deadline: float | None) -> float:
        if self._at < len(self._urls):
            return 0.0
        self._at = 0
        if not self._urls or self._round >= self._politeness.retries:
            raise self._given_up()
        longest = min(_FIRST_DELAY * 2**self._round, _LONGEST_DELAY)
        asked = min(self._asked_to_wait, self._politeness.longest_retry_after)
        delay = asked + self._rng.uniform(0, longest)
        if deadline is not None and self._clock() + delay >= deadline:
            raise self._given_up()
        self._round += 1
        self._asked_to_wait = 0.0
        return delay

    def _given_up(self) -> EntrepotError:
        if self._worst is None:
            raise RuntimeError("nothing failed yet")
        return self._worst

"""How new metadata is: what was seen, and whether what comes is older, over or from the future."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any, Final

import attrs
import msgspec

from entrepot.assembly.errors import ClockDisagrees, Expired, OlderThanSeen

if TYPE_CHECKING:
    from collections.abc import Callable

    from entrepot.errors import UpstreamError

#: Clocks that differ by less agree.
SKEW: Final = datetime.timedelta(hours=1)

_CLOCK: Final = "see whether this machine's clock is right: date -u"


def _aware(_: object, attribute: attrs.Attribute[Any], value: datetime.datetime | None) -> None:
    if value is not None and value.tzinfo is None:
        raise ValueError(f"{attribute.name} of metadata needs a time zone, such as datetime.UTC")


@attrs.frozen(kw_only=True)
class Freshness:
    """What metadata says of its own age; `upstream_now` is what the upstream's clock said beside it."""

    repository: str
    name: str
    serial: int | None = None
    moment: datetime.datetime | None = attrs.field(default=None, validator=_aware)
    expires: datetime.datetime | None = attrs.field(default=None, validator=_aware)
    upstream_now: datetime.datetime | None = attrs.field(default=None, validator=_aware)

    def dump(self, seen: str | None = None) -> str:
        """Write down what later metadata of this name is compared with.

        What this does not say is still as it was `seen`: else who leaves the serial out once could
        serve any older one after that.
        """
        before = _Seen() if seen is None else msgspec.json.decode(seen, type=_Seen)
        serial = before.serial if self.serial is None else self.serial
        moment = before.moment if self.moment is None else self.moment
        return msgspec.json.encode({"serial": serial, "moment": moment}).decode()

    def check_clock(self, now: datetime.datetime) -> None:
        """Raise `ClockDisagrees` for metadata dated more than an hour ahead of us."""
        if self.moment is not None and self.moment > now + SKEW:
            raise self._refused(
                ClockDisagrees,
                f"is dated {_told(self.moment)}, ahead of this machine's clock ({_told(now)})",
                f"{_CLOCK}; if it is the upstream's that is wrong: {{}} --allow-expired",
            )

    def check_expiry(self, now: datetime.datetime) -> None:
        """Raise `Expired` for metadata that is over, with a word on the clock where that may be the reason."""
        if self.expires is None or self.expires > now:
            return
        told = f"expired at {_told(self.expires)}"
        if self.upstream_now is not None and abs(self.upstream_now - now) > SKEW:
            told += (
                f"; but this machine's clock ({_told(now)}) and the upstream's ({_told(self.upstream_now)}) disagree"
            )
        raise self._refused(Expired, told, f"{_CLOCK}; to take it as it is: {{}} --allow-expired")

    def check_order(self, seen: str) -> None:
        """Raise `OlderThanSeen` unless this is at least as new as what an earlier sync wrote down."""
        before = msgspec.json.decode(seen, type=_Seen)
        if self.serial is not None and before.serial is not None and self.serial < before.serial:
            raise self._older(str(self.serial), str(before.serial))
        if self.moment is not None and before.moment is not None and self.moment < before.moment:
            raise self._older(_told(self.moment), _told(before.moment))

    def _older(self, this: str, before: str) -> UpstreamError:
        return self._refused(
            OlderThanSeen,
            f"is of {this}, and {before} was seen before: the upstream, or somebody between, serves an old state",
            "sync again later; if the upstream really went back: {} --allow-older",
        )

    def _refused(self, kind: Callable[[str, str, str], UpstreamError], told: str, remedy: str) -> UpstreamError:
        return kind(f"metadata {self.name!r:.200} {told}", "", remedy.format(f"entrepot sync {self.repository}"))


class _Seen(msgspec.Struct):
    serial: int | None = None
    moment: datetime.datetime | None = None


def _told(moment: datetime.datetime) -> str:
    return moment.astimezone(datetime.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")

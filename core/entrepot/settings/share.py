"""A share of a whole, as a configuration writes it."""

from __future__ import annotations

import re
from typing import Any, Final, Self

import attrs

from entrepot.assembly.request import GUARD_LOSS
from entrepot.errors import ConfigurationError
from entrepot.settings.mistakes import found_as

_PERCENT: Final = re.compile(r"(\d{1,3}(?:\.\d{1,6})?)\s*%", re.ASCII)
_WHOLE: Final = 100


@attrs.frozen
class Share:
    """`part` of 1, or None for what is switched off."""

    part: float | None

    @classmethod
    def read(cls, value: Any, _: Any = None) -> Self:
        """Accept a percentage from 0 to 100, and "off"."""
        if value == "off":
            return cls(None)
        found = _PERCENT.fullmatch(value) if isinstance(value, str) else None
        if found is None or float(found[1]) > _WHOLE:
            raise ConfigurationError(
                f"expected a share of 0% to 100%, found {found_as(value)}",
                remedy='write a percentage between quotes, such as "50%", or "off"',
            )
        return cls(float(found[1]) / _WHOLE)

    def __str__(self) -> str:
        return "off" if self.part is None else f"{self.part:.0%}"


def usual_guard() -> Share:
    """What `guard_loss` is where nothing is written."""
    return Share(GUARD_LOSS)

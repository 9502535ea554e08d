"""Groups that clients ask for: what a repository with `pull_through` fetches when it is first asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import attrs

#: The report of a pull that found nothing. Of several one after the other, the catalog keeps the last.
PULLED_NOTHING: Final[Mapping[str, Any]] = {"pulled": []}


@attrs.frozen
class Pulled:
    """What a first stage declares because clients asked for it.

    A group is what one page of the upstream is about, such as a project; its name is the scope of
    its units. With `alone` the run is a pull: these groups are declared, whatever was noted of
    them before, and no others; all else stays as the latest version has it. Without, they are
    declared beside what the options ask for.
    """

    groups: tuple[str, ...] = ()
    alone: bool = False

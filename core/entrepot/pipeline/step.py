"""One place in a plan, and what was taken from one."""

from __future__ import annotations

from typing import Any

import attrs

from entrepot.pipeline.stage import Stage


@attrs.frozen
class Step:
    """One stage in a plan: the plugin that it comes from, and those that changed something here.

    `moved_by` are those because of whom it stands elsewhere: who moved it, or what it was put next to.
    """

    name: str
    stage: Stage[Any] = attrs.field(eq=id)
    plugin: str
    edited_by: tuple[str, ...] = ()
    moved_by: tuple[str, ...] = ()


@attrs.frozen
class Absence:
    """A stage that a plugin removed or replaced: what it would have given explains an unmet need.

    Stages from `followed_by` on are those that it stood before; with None, no stage is.
    """

    name: str
    gives: frozenset[str]
    plugin: str
    followed_by: Stage[Any] | None = attrs.field(default=None, eq=id)

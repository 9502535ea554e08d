"""What plugins may change about a plan: values that say where, and what to put there."""

from __future__ import annotations

from typing import Any, TypeAlias

import attrs

from entrepot.errors import PlanError
from entrepot.pipeline.stage import Stage

#: A place in the plan: the class of its stage, or the name of that class.
Anchor: TypeAlias = type[Stage[Any]] | str


@attrs.frozen(eq=False)
class Insert:
    """Put a stage next to the anchor."""

    anchor: Anchor
    stage: Stage[Any]
    is_after: bool
    optional: bool = False


@attrs.frozen(eq=False)
class Replace:
    """Let a stage take the anchor's place."""

    anchor: Anchor
    stage: Stage[Any]
    optional: bool = False


@attrs.frozen(eq=False)
class Remove:
    """Take the anchor's stage out; its place stays for others to name."""

    anchor: Anchor
    optional: bool = False


@attrs.frozen(eq=False)
class Move:
    """Take a stage, with what was put next to it, elsewhere."""

    anchor: Anchor
    target: Anchor
    is_after: bool
    optional: bool = False


#: One change of a plan, as `before`, `after`, `replace`, `remove`, `move_before` and `move_after` make it.
Edit: TypeAlias = Insert | Replace | Remove | Move


def before(anchor: Anchor, stage: Stage[Any], *, optional: bool = False) -> Edit:
    """Put `stage` before the anchor; with `optional`, only if the anchor is there."""
    return Insert(anchor, _made(stage), is_after=False, optional=optional)


def after(anchor: Anchor, stage: Stage[Any], *, optional: bool = False) -> Edit:
    """Put `stage` after the anchor; with `optional`, only if the anchor is there."""
    return Insert(anchor, _made(stage), is_after=True, optional=optional)


def replace(anchor: Anchor, stage: Stage[Any], *, optional: bool = False) -> Edit:
    """Run `stage` in place of the anchor's; what others put next to the anchor stays there."""
    return Replace(anchor, _made(stage), optional=optional)


def remove(anchor: Anchor, *, optional: bool = False) -> Edit:
    """Do without the anchor's stage; what others put next to it stays there."""
    return Remove(anchor, optional=optional)


def move_before(stage: Anchor, anchor: Anchor, *, optional: bool = False) -> Edit:
    """Take a stage that the plan has to before the anchor, with what others put next to it."""
    return Move(stage, anchor, is_after=False, optional=optional)


def move_after(stage: Anchor, anchor: Anchor, *, optional: bool = False) -> Edit:
    """Take a stage that the plan has to after the anchor, with what others put next to it."""
    return Move(stage, anchor, is_after=True, optional=optional)


def name_of(anchor: Anchor) -> str:
    """The words for an anchor in messages."""
    return anchor if isinstance(anchor, str) else anchor.__name__


def _made(stage: Stage[Any]) -> Stage[Any]:
    if isinstance(stage, Stage):
        return stage
    name = getattr(stage, "__name__", repr(stage))
    raise PlanError(f"an edit puts {name!r} into the plan, which is no instance of Stage", remedy=f"write {name}(...)")

"""What is known of one plugin, working or not."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import attrs

State: TypeAlias = Literal["active", "blocked", "broken"]

BUILTIN = "builtin"
"""The name that what core ships answers under."""


@attrs.frozen
class PluginRecord:
    """One plugin as `entrepot plugins` lists it; `reason` says why it takes no part, or is empty.

    `distribution` is empty for a plugin that no installed distribution brought. `traceback` is what
    `--debug` shows of a broken one.
    """

    name: str
    version: str = ""
    distribution: str = ""
    hooks: tuple[str, ...] = ()
    state: State = "active"
    reason: str = ""
    traceback: str = attrs.field(default="", repr=False, eq=False)

    def to_json(self) -> dict[str, Any]:
        """The line that programs get."""
        return {
            "name": self.name,
            "version": self.version or None,
            "distribution": self.distribution or None,
            "hooks": list(self.hooks),
            "state": self.state,
            "reason": self.reason or None,
        }

"""What one sync is asked to do, known before it starts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

import attrs

if TYPE_CHECKING:
    from entrepot.model.remote import Policy, Remote
    from entrepot.model.repository import Repository

T = TypeVar("T")

OnError: TypeAlias = Literal["fail", "skip", "keep"]


@attrs.frozen(kw_only=True)
class SyncRequest:
    """A repository, a remote and how to go about it; what plugins get as `context` when they edit.

    `brought_by` is the plugin, or the program, that the first stage comes from. `plugin_tables` are the
    options of stage plugins as they are written; `read_table` makes an attrs class of one of them.
    """

    repository: Repository
    remote: Remote
    brought_by: str
    mirror: bool = False
    options: Any = None
    on_error: OnError = "fail"
    plugin_tables: Mapping[str, Mapping[str, Any]] = attrs.field(factory=dict)
    read_table: Callable[[str, type[Any]], Any] = attrs.field(repr=False, eq=False)

    @property
    def policy(self) -> Policy:
        """When artifacts are downloaded."""
        return self.remote.policy

    def plugin_options(self, plugin: str, options: type[T]) -> T:
        """What the configuration says to one stage plugin for this repository, as its attrs class."""
        read: T = self.read_table(plugin, options)
        return read

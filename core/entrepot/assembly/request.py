"""What one sync is asked to do, known before it starts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, TypeVar

import attrs

if TYPE_CHECKING:
    from entrepot.assembly.retry import Retry
    from entrepot.model.remote import Policy, Remote
    from entrepot.model.repository import Repository

T = TypeVar("T")

#: The largest share of the latest version that may go unconfirmed.
GUARD_LOSS: Final = 0.5

OnError: TypeAlias = Literal["fail", "skip", "keep"]


@attrs.frozen(kw_only=True)
class Confirmed:
    """What somebody looked at and takes all the same, for one sync."""

    accept_loss: bool = False
    allow_older: bool = False
    allow_expired: bool = False


@attrs.frozen(kw_only=True)
class SyncRequest:
    """A repository, a remote and how to go about it; what plugins get as `context` when they edit.

    `brought_by` is the plugin, or the program, that the first stage comes from. `plugin_tables` are the
    options of stage plugins as they are written; `read_table` makes an attrs class of one of them.
    `guard_loss` is a share between 0 and 1, or None for no guard. With `retry` nothing but that is tried.
    `pulled` are groups that clients ask for right now: with any, the run is about nothing else.
    With `uploads` the repository has no upstream, and its remote no URL.
    """

    repository: Repository
    remote: Remote
    brought_by: str
    mirror: bool = False
    options: Any = None
    on_error: OnError = "fail"
    guard_loss: float | None = GUARD_LOSS
    confirmed: Confirmed = attrs.field(factory=Confirmed)
    retry: Retry | None = None
    pull_through: bool = False
    pulled: tuple[str, ...] = ()
    uploads: bool = False
    plugin_tables: Mapping[str, Mapping[str, Any]] = attrs.field(factory=dict)
    read_table: Callable[[str, type[Any]], Any] = attrs.field(repr=False, eq=False)

    @property
    def is_partial(self) -> bool:
        """Whether the run looks at a part of the upstream, so that what it does not see stays."""
        return self.retry is not None or bool(self.pulled)

    @property
    def policy(self) -> Policy:
        """When artifacts are downloaded."""
        return self.remote.policy

    def plugin_options(self, plugin: str, options: type[T]) -> T:
        """What the configuration says to one stage plugin for this repository, as its attrs class."""
        read: T = self.read_table(plugin, options)
        return read

"""Places where a test lets the program fail: at each durable step, and where bytes are read."""

from __future__ import annotations

import errno
import os
import re
import signal
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Final, Literal, TypeAlias, get_args

import attrs

from entrepot.errors import ConfigurationError, UnknownName

Action: TypeAlias = Literal["raise", "disk-full", "kill"]

ACTIONS: Final[tuple[Action, ...]] = get_args(Action)

#: The variable that the command line, and nothing else, arms failpoints by.
VARIABLE: Final = "ENTREPOT_FAILPOINTS"

_ORDER: Final = re.compile(r"(?P<name>[^=@]+)=(?P<action>[^=@]+)(?:@(?P<hit>[0-9]+))?")

#: Every failpoint, and what is durable before and after the step that it stands at.
FAILPOINTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "storage.make_folder": "before: the folder above; after: that too, and once that is synced a folder in it",
        "storage.create": "before and after: nothing; a temporary file with a name comes to be",
        "storage.write": "before and after: nothing; bytes go to a temporary file",
        "storage.empty": "before and after: nothing; a temporary file starts over for another try",
        "storage.freeze": "before and after: nothing; a temporary file becomes read-only",
        "storage.open": "before and after: what there was; a file of the storage is opened for reading",
        "storage.read": "before and after: what there was; bytes under a final name are read to be hashed",
        "storage.close": "before and after: what there was; a file of the storage is let go of",
        "storage.sync": "before: nothing of the file; after: its bytes, under no final name",
        "storage.sync_whole": "before: nothing of the round; after: the bytes and names given so far",
        "storage.link": "before: the bytes; after: that too, their final name once its folder is synced",
        "storage.replace": "before: the bytes, and wrong ones under the final name; after: either under that name",
        "storage.unlink": "before: the file under this name; after: either, until its folder is synced",
        "storage.sync_folder": "before: bytes, perhaps without their final names; after: these names too",
        "catalog.create": "before and after: what the catalog held, perhaps nothing; tables are made or migrated",
        "catalog.create.commit": "before: what the catalog held; after: all the tables, or the whole migration",
        "catalog.created": "before and after: all the tables; whoever makes them has not heard of it",
        "catalog.copy.clear": "before: perhaps a part of an earlier copy; after: perhaps none",
        "catalog.copy": "before: no part of a copy; after: all of it, under its name as a part",
        "catalog.copy.rename": "before: the copy under its name as a part; after: under that, or its own",
        "catalog.copy.sync": "before: the copy under either name; after: under its own, and migration may begin",
        "catalog.begin": "before and after: all transactions so far; the next has written nothing yet",
        "catalog.commit": "before: all transactions so far; after: this one too",
        "catalog.committed": "before and after: this transaction too; whoever wrote it has not heard of it",
        "catalog.close": "before and after: all transactions, perhaps in the log alone; a writer's connection ends",
        "catalog.merge_log": "before: all transactions, in the log; after: in the file, where nobody else has it open",
        "depot.scratch.make": "before and after: nothing; a folder that this process alone uses comes to be",
        "depot.scratch.clear": "before: perhaps a dead process's scratch folder; after: perhaps none",
        "depot.scratch.remove": "before: perhaps our scratch folder; after: perhaps none",
        "settings.create": "before and after: the configuration as it was; a temporary file comes to be",
        "settings.write": "before and after: the configuration as it was; text goes to the temporary file",
        "settings.sync": "before: the configuration as it was; after: that too, and its next text beside it",
        "settings.replace": "before: the configuration as it was; after: either text, whole",
        "settings.sync_folder": "before: either text, whole; after: the next text",
        "settings.discard": "before and after: the configuration as it was; the temporary file goes",
    }
)


@attrs.frozen
class Order:
    """Let the n-th hit of a failpoint, counted from 1, end in an action."""

    name: str
    action: Action
    hit: int = 1

    def __str__(self) -> str:
        return f"{self.name}={self.action}@{self.hit}"


class Armed:
    """What is ordered, and what was hit; hits of all threads are counted together."""

    def __init__(self, orders: tuple[Order, ...]) -> None:
        self.hits: Counter[str] = Counter()
        self.fired: list[Order] = []
        self._orders = {(order.name, order.hit): order for order in orders}
        self._counting = threading.Lock()

    def hit(self, name: str) -> None:
        """Count, and fail when it is this one's turn."""
        with self._counting:
            self.hits[name] += 1
            order = self._orders.get((name, self.hits[name]))
            if order is not None:
                self.fired.append(order)
        if order is not None:
            _fail(order)


# The one global: a switch that every durable step would otherwise have to be handed.
_armed: Armed | None = None


def failpoint(name: str) -> None:
    """Fail here when that was ordered; otherwise a look at one variable."""
    if _armed is not None:
        _armed.hit(name)


def is_armed() -> bool:
    """Whether failpoints of this process are counted, so that what passes them should happen in it."""
    return _armed is not None


@contextmanager
def arm(*orders: Order | str) -> Iterator[Armed]:
    """Let failpoints of this process fail as ordered while the block runs; without orders, count hits.

    An order can be text, such as "storage.link=kill@3". Blocks do not nest: the inner one counts.

    >>> with arm("storage.link=disk-full@2") as armed:
    ...     depot.storage.keep(batch)
    >>> armed.hits["storage.link"], armed.fired
    """
    global _armed  # noqa: PLW0603 - a switch for the whole process is what this is
    before = _armed
    _armed = armed = Armed(tuple(one for order in orders for one in _orders(order)))
    try:
        yield armed
    finally:
        _armed = before


@contextmanager
def armed_by(environ: Mapping[str, str]) -> Iterator[None]:
    """Arm what the variable asks for; `ConfigurationError` when it asks for what there is not."""
    text = environ.get(VARIABLE, "")
    if not text.strip():
        yield
        return
    with arm(*parse(text)):
        yield


def parse(text: str) -> list[Order]:
    """Read orders such as `storage.link=kill@3; catalog.commit=disk-full`; no `@` means the first hit."""
    return [_parsed(part.strip()) for part in text.split(";") if part.strip()]


def _orders(order: Order | str) -> list[Order]:
    return parse(order) if isinstance(order, str) else [_checked(order)]


def _parsed(text: str) -> Order:
    match = _ORDER.fullmatch(text)
    hit = int(match["hit"] or 1) if match is not None else 0
    if match is None or hit < 1:
        raise ConfigurationError(
            f"{text!r} does not say which failpoint fails, and how",
            where=VARIABLE,
            remedy=f"write NAME=ACTION@N, such as {VARIABLE}='storage.link=kill@3'",
        )
    action: dict[str, Action] = {action: action for action in ACTIONS}
    if match["action"] not in action:
        raise UnknownName("failpoint action", match["action"], ACTIONS, where=VARIABLE)
    return _checked(Order(match["name"], action[match["action"]], hit))


def _checked(order: Order) -> Order:
    if order.name not in FAILPOINTS:
        remedy = "see them all: entrepot doctor --failpoints"
        raise UnknownName("failpoint", order.name, FAILPOINTS, where=VARIABLE, remedy=remedy)
    return order


def _fail(order: Order) -> None:
    if order.action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    code = errno.ENOSPC if order.action == "disk-full" else errno.EIO
    raise OSError(code, f"{os.strerror(code)}, as failpoint {order} was told to say")

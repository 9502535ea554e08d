"""What the configuration says about scanning."""

from __future__ import annotations

import datetime
from pathlib import Path

import attrs

from entrepot.plugin import ConfigurationError

ONE, MANY = "{path}", "{paths}"


@attrs.frozen
class ScanOptions:
    """What `[repositories.NAME.plugins.scan]` may say.

    `command` has an argument `{path}`, or `{paths}` for up to `batch` files at a time, or neither:
    the file is then its standard input. It ends with 0 for what is clean and with one of `infected` for
    what is to be refused; anything else is an error. `max_size` is bytes; what is larger is refused.
    """

    command: tuple[str, ...] = ()
    infected: tuple[int, ...] = (1,)
    timeout: datetime.timedelta = datetime.timedelta(minutes=5)
    parallel: int = 2
    batch: int = 100
    max_size: int | None = None
    quarantine: Path | None = None
    quarantine_files: int = 100
    allow_unscanned: bool = False


def check(options: ScanOptions) -> None:
    """Refuse options that would scan nothing, or call it clean."""
    command = options.command
    if not command:
        raise _wrong(
            "the options name no command, so nothing is scanned", 'command = ["clamdscan", "--fdpass", "{paths}"]'
        )
    if any(place in command[0] for place in (ONE, MANY)):
        raise _wrong("command begins with a file instead of a program", "name the scanner first")
    if any(MANY in word and word != MANY for word in command):
        raise _wrong("{paths} is many arguments, so it stands as an argument of its own", "write {path} or {paths}")
    if sum(word.count(place) for word in command for place in (ONE, MANY)) > 1:
        raise _wrong("command names its files twice", "keep one of {path} and {paths}")
    if not options.infected or 0 in options.infected:
        raise _wrong("infected is empty or has 0 in it, which means clean", "infected = [1]")
    if options.parallel < 1 or options.batch < 1 or options.quarantine_files < 0:
        raise _wrong("parallel and batch are 1 or more, quarantine_files 0 or more", "parallel = 2")
    if options.quarantine is not None and not options.quarantine.is_absolute():
        raise _wrong("quarantine is no whole path, so it depends on where a sync is started", 'quarantine = "/srv/..."')
    if options.timeout <= datetime.timedelta():
        raise _wrong("timeout is nothing, so no file could be scanned", 'timeout = "5m"')


def _wrong(what: str, remedy: str) -> ConfigurationError:
    return ConfigurationError(what, where="options of plugin 'scan'", remedy=remedy)

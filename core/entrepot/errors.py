"""The whole hierarchy of errors: what happened, where, the remedy, and the exit code."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import ClassVar, Final
from urllib.parse import urlsplit, urlunsplit

#: What Python says when the system gives it no thread: it has no class for that.
_NO_THREAD: Final = "can't start new thread"


def safe_url(url: str) -> str:
    """Strip what may be secret: user, password, query and fragment."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "<malformed URL>"
    host = f"[{host}]" if ":" in host else host
    return urlunsplit((parts.scheme, host + port, parts.path, "", ""))


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the nearest known name, or nothing."""
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"; did you mean {near[0]!r}?" if near else ""


class EntrepotError(Exception):
    """Anything that entrepot refuses or gives up on, told to a person.

    `what` happened, `where` it happened, and a `remedy` that one can type. Facts for programs are
    attributes of the subclass. `exit_code` is what the command line ends with.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, what: str, where: str = "", remedy: str = "") -> None:
        super().__init__(what)
        self.what, self.where, self.remedy = what, where, remedy

    def __str__(self) -> str:
        lines = [self.what]
        if self.where:
            lines.append(f"  where:  {self.where}")
        if self.remedy:
            lines.append(f"  remedy: {self.remedy}")
        return "\n".join(lines)

    def at(self, place: str) -> EntrepotError:
        """Add a place to `where`, outermost first, and return the error itself."""
        if place and place not in self.where:
            self.where = f"{place}, {self.where}" if self.where else place
        return self


class ConfigurationError(EntrepotError):
    """The configuration, the command line or a plugin's options cannot be used as they are."""

    exit_code = 2


class UnknownName(ConfigurationError):
    """Something was asked for by a name that nothing here has."""

    def __init__(self, kind: str, name: str, known: Iterable[str], where: str = "", remedy: str = "") -> None:
        names = sorted(known)
        listing = ", ".join(names) if names else "none"
        super().__init__(
            f"there is no {kind} {name!r}{did_you_mean(name, names)}", where, remedy or f"use one of: {listing}"
        )
        self.kind, self.name, self.known = kind, name, tuple(names)


class NotBound(ConfigurationError):
    """A repository, remote or stage was used without the depot that makes it work."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"{what} is not bound to a depot",
            remedy="take it from depot.repository(NAME), or from entrepot.testing.depot() in a test",
        )


class NotConnected(NotBound):
    """A stage was run, read from or put to outside of a pipeline."""

    def __init__(self, stage: str) -> None:
        ConfigurationError.__init__(
            self,
            f"stage {stage!r} is not connected to a pipeline",
            remedy=f"run it with: await create_pipeline([..., {stage}(...), EndStage()])",
        )
        self.stage = stage


class PlanError(ConfigurationError):
    """The stages of a sync, as edited by plugins, do not make a plan."""


class PluginError(ConfigurationError):
    """A plugin cannot be loaded, or two of them claim one thing."""


class UpstreamError(EntrepotError):
    """The upstream did not give what was asked of it."""

    exit_code = 3


class NotFound(UpstreamError):
    """The upstream has nothing under a URL, and says so."""


class InvalidMetadata(UpstreamError):
    """What the upstream says about its content breaks the rules of its format."""


class InvalidPath(InvalidMetadata):
    """A relative path would leave its root, or cannot name a file."""


class IntegrityError(EntrepotError):
    """Bytes are not those that were declared."""

    exit_code = 4


class DigestMismatch(IntegrityError):
    """Bytes have another digest than the one declared."""

    def __init__(self, algorithm: str, expected: str, actual: str, where: str = "", remedy: str = "") -> None:
        super().__init__(
            f"{algorithm} is {actual}, {expected} was declared",
            where,
            remedy or "sync again; if it stays so, the upstream serves other bytes than it lists: report it there",
        )
        self.algorithm, self.expected, self.actual = algorithm, expected, actual


class SizeMismatch(IntegrityError):
    """Bytes are more or fewer than declared; zero counts."""

    def __init__(self, expected: int, actual: int, where: str = "", *, at_least: bool = False) -> None:
        super().__init__(
            f"size is {'at least ' if at_least else ''}{actual} bytes, {expected} were declared",
            where,
            "sync again; if it stays so, the upstream serves other bytes than it lists: report it there",
        )
        self.expected, self.actual = expected, actual


class DepotError(EntrepotError):
    """The catalog or the storage cannot do its work."""

    exit_code = 5


class DiskFull(DepotError):
    """The disk that holds the depot has no room left, or the user's share of it is used up."""

    def __init__(self, where: str) -> None:
        super().__init__("the disk is full", where, "free some space there (see it with: df -h), then run again")


class StorageReadOnly(DepotError):
    """The storage may not be written to."""

    def __init__(self, where: str) -> None:
        super().__init__(
            "the storage cannot be written to",
            where,
            "give this user the right to write there, or mount the file system writable: mount -o remount,rw",
        )


class DiskFailed(DepotError):
    """The disk itself reports an error; what it holds is in doubt."""

    def __init__(self, where: str) -> None:
        super().__init__(
            "the disk reports an input/output error",
            where,
            "look into the kernel's log (dmesg) before trusting this disk again, then run again",
        )


class TooManyFiles(DepotError):
    """This process, or the machine, may open no more files."""

    def __init__(self, where: str) -> None:
        super().__init__("too many files are open", where, "allow more: ulimit -n 4096")


class TooLittleMemory(DepotError):
    """This process is given no more memory, or no more threads."""

    def __init__(self, where: str = "") -> None:
        super().__init__(
            "there is too little memory, or no thread more may be started",
            where,
            "give it more (see its limits with: ulimit -a), or lower the repository's concurrency, then run again",
        )

    @classmethod
    def behind(cls, error: BaseException) -> TooLittleMemory | None:
        """What Python's own error means, if it is this that it means."""
        lacks = isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and str(error) == _NO_THREAD)
        return cls() if lacks else None


class NotHeld(DepotError):
    """Bytes were asked for that storage does not hold."""

    def __init__(self, sha256: str, where: str = "", *, remedy: str = "") -> None:
        remedy = remedy or "sync its repository again: entrepot sync NAME"
        super().__init__(f"storage does not hold sha256:{sha256}", where, remedy)
        self.sha256 = sha256


class RepositoryBusy(DepotError):
    """Another sync of the same repository is running."""


class DepotBusy(DepotError):
    """Another prune of the same depot is running."""


class LeaseLost(DepotError):
    """The run no longer holds its repository; whoever took it over goes on."""


class Refused(EntrepotError):
    """A unit was left out on purpose, by a rule of a plugin; the remedy is the plugin's own, or none."""

    def __init__(self, unit: str, rule: str, reason: str, *, plugin: str = "", remedy: str = "") -> None:
        super().__init__(f"{unit} was refused: {reason}", f"rule {rule!r} of plugin {plugin!r}", remedy)
        self.unit, self.rule, self.reason, self.plugin = unit, rule, reason, plugin


class Failed(EntrepotError):
    """A unit was given up on; the repository's `on_error` decides what follows."""

    def __init__(self, unit: str, cause: BaseException) -> None:
        what = cause.what if isinstance(cause, EntrepotError) else f"{type(cause).__name__}: {cause}"
        where = cause.where if isinstance(cause, EntrepotError) else ""
        remedy = cause.remedy if isinstance(cause, EntrepotError) else ""
        super().__init__(f"{unit} failed: {what}", where, remedy)
        self.unit, self.cause, self.reason = unit, cause, what

    @property
    def code(self) -> int:
        """The exit code of what went wrong underneath."""
        return self.cause.exit_code if isinstance(self.cause, EntrepotError) else self.exit_code


class PipelineStopped(EntrepotError):
    """The run ended before the awaited unit was saved."""


class StageFailed(EntrepotError):
    """A stage raised something that is not an `EntrepotError`."""

    def __init__(self, cause: BaseException, *, stage: str, place: str) -> None:
        super().__init__(
            f"stage {stage!r} raised {type(cause).__name__}: {cause}",
            where=place,
            remedy="run again with --debug for the traceback, and report it to the plugin named here",
        )
        self.cause, self.stage = cause, stage


class Interrupted(EntrepotError):
    """Somebody asked for the end; what was running stopped cleanly."""

    exit_code = 130


class StageHung(EntrepotError):
    """A stage went on running although it was cancelled, and was left behind."""

    def __init__(self, stage: str, *, place: str, seconds: float) -> None:
        super().__init__(
            f"stage {stage!r} did not stop within {seconds:g} s of being cancelled",
            where=place,
            remedy="let CancelledError pass in that stage, and await nothing for long while it stops; "
            "report it to the plugin named here",
        )
        self.stage, self.seconds = stage, seconds


class UnknownStage(PlanError):
    """An edit names a stage that the plan has not, or has more than once."""

    def __init__(self, anchor: str, known: Iterable[str], *, plugin: str, matches: Iterable[str] = ()) -> None:
        names, several = sorted(set(known)), sorted(matches)
        what = f"there is no stage {anchor!r} in the plan{did_you_mean(anchor, names)}"
        remedy = f"use one of: {', '.join(names) or 'none'}; or say optional=True where the edit may be left out"
        if several:
            what = f"{anchor!r} means more than one stage: {', '.join(several)}"
            remedy = "name the class of one of them, or let each plugin give its stage a class of its own"
        super().__init__(what, where=f"the edits of plugin {plugin!r}", remedy=remedy)
        self.anchor, self.plugin = anchor, plugin


class UnmetNeed(PlanError):
    """A stage needs a fact that no earlier stage gives, or that one took away again."""

    def __init__(self, stage: str, fact: str, *, because: str, plugin: str, remedy: str) -> None:
        super().__init__(
            f"stage {stage!r} needs {fact!r}, and {because}",
            where=f"the plan, edited by plugin {plugin!r}",
            remedy=remedy,
        )
        self.stage, self.fact, self.plugin = stage, fact, plugin


class StageTooLate(PlanError):
    """A stage stands after one that gives a fact which it must precede."""

    def __init__(self, stage: str, fact: str, *, because: str, plugin: str, remedy: str) -> None:
        super().__init__(
            f"stage {stage!r} must stand before {fact!r} is given, and {because}",
            where=f"the plan, edited by plugin {plugin!r}",
            remedy=remedy,
        )
        self.stage, self.fact, self.plugin = stage, fact, plugin


class PlanConflict(PlanError):
    """Edits of the plan cannot all be followed: they contradict each other, or what every plan keeps."""

    def __init__(self, what: str, plugins: Iterable[str], remedy: str) -> None:
        names = sorted(set(plugins))
        super().__init__(
            what, where=f"the edits of {' and '.join(f'plugin {name!r}' for name in names)}", remedy=remedy
        )
        self.plugins = tuple(names)

"""What a plugin registers, as values: for a repository type, where syncs run, and what is imported."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import attrs

from entrepot.errors import safe_url

if TYPE_CHECKING:
    from entrepot.model.combining import Combining
    from entrepot.model.context import RunContext
    from entrepot.model.job import JobRunner, SyncHere
    from entrepot.model.publication import Publisher as PublisherProtocol
    from entrepot.model.upload import UploadReader
    from entrepot.stages.stage import Stage


#: An attrs class that a table of the configuration is checked against.
OptionsClass: TypeAlias = type[Any]

#: Which group a path below a repository asks for; None for none that could be brought.
GroupOf: TypeAlias = Callable[[str], str | None]


@attrs.frozen
class Intake:
    """How to make what reads files that are uploaded to repositories of a type.

    `make` is called once for each upload, of one file or of several that are handed in together; it
    opens nothing.
    """

    make: Callable[[RunContext], UploadReader]


@attrs.frozen
class FirstStage:
    """How to make the first stage of a repository type.

    `make` is called once per sync, when the plan is assembled; it opens nothing. `options` is an
    attrs class: the repository's own options are checked against it and stand in
    `context.options`. `default_url` says where a repository without a `url` looks; it is called
    when the repository is used, and raises a `ConfigurationError` with a remedy when it cannot say.

    `pulls` makes, of the options, what tells which group of content a path below the repository
    asks for, or None where no sync would bring it: a type that has it takes `pull_through`, and its
    stage heeds `context.pulled()`. It is asked for names that anybody makes up, and opens nothing.

    A type that has an `intake` takes `uploads`, into repositories that have no upstream.
    `importers` read what clients of this machine are configured with, as repositories of this type.
    """

    type: str
    make: Callable[[RunContext], Stage]
    options: OptionsClass | None = None
    default_url: Callable[[], str] | None = None
    pulls: Callable[[Any], GroupOf] | None = None
    intake: Intake | None = None
    importers: Sequence[Importer] = ()


@attrs.frozen
class Publisher:
    """How to make the publisher of a repository type.

    Raise `version` when the published bytes change for the same content: the next sync of each
    repository then publishes everything anew, as a new version. `usage` tells a person how to use
    a repository, given its URL; one line. `is_lasting` tells paths that name their bytes, as by a
    digest: who asks the latest version for one that it has no more is answered from an earlier one,
    so that what a client was told to ask for a moment ago goes on being there. `combining` says how
    several repositories are served as one; a type that does not say it cannot be combined. With
    `always_whole` it writes every version whole, so nothing of the version before stands that is
    not written again, as files that are named by their digests.
    """

    type: str
    make: Callable[[RunContext], PublisherProtocol]
    version: str = "1"
    usage: Callable[[str], str] | None = None
    is_lasting: Callable[[str], bool] | None = None
    combining: Combining | None = None
    always_whole: bool = False


@attrs.frozen(kw_only=True)
class ExecutorContext:
    """What the runner of an executor is made with: its options, and a way to sync in this process."""

    options: Any
    sync_here: SyncHere


@attrs.frozen
class Executor:
    """How to make what runs the syncs that one command asks for.

    `make` is called once per command, before any sync begins; it opens nothing. `options` is an
    attrs class: the table `depot.executors.NAME` is checked against it and stands in
    `context.options`. With `in_process` every sync runs in the process that asks; else the depot
    must be one that other processes can open.
    """

    name: str
    make: Callable[[ExecutorContext], JobRunner]
    options: OptionsClass | None = None
    in_process: bool = False


@attrs.frozen(kw_only=True)
class ImportContext:
    """What an importer is asked with.

    `given` stands after its option on the command line, and is empty where it takes nothing.
    `folder` is where the configuration stands.
    """

    given: str
    environ: Mapping[str, str] = attrs.field(repr=False)
    folder: Path


@attrs.frozen(kw_only=True)
class Imported:
    """One repository, as the configuration of a client has it.

    `url` may have a user name and a password: they are taken out of it, and a place for the secret
    is written instead. `options` are those of the repository's type, and `table` has other keys of
    `[repositories.NAME]`. `place` names file and line, for errors. `notes` tell a person what of the
    client's configuration is in neither. `files` are texts that they point to, by whole paths;
    they are written before the configuration is, and never over a file that says something else.
    """

    url: str = attrs.field(repr=safe_url)
    options: Mapping[str, Any] = attrs.field(factory=dict)
    table: Mapping[str, Any] = attrs.field(factory=dict)
    place: str = ""
    notes: tuple[str, ...] = ()
    files: Mapping[Path, str] = attrs.field(factory=dict, repr=False)


@attrs.frozen
class Importer:
    """How to read what a client of this machine is configured with, for `entrepot add --from-NAME`.

    `read` is called once per command; it changes nothing, asks no network, and raises a
    `ConfigurationError` for what it cannot read. `takes` is what stands after the option, such as
    `FILE`, or empty for an option that takes nothing. `told` is its line in the help.
    """

    name: str
    read: Callable[[ImportContext], Sequence[Imported]]
    takes: str = ""
    told: str = ""

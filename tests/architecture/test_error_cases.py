"""Each class of error happens, and is printed: what, where, a remedy, its exit code, and no secret."""

from __future__ import annotations

import asyncio
import errno
import os
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeAlias

import attrs
import pytest
from sqlalchemy.exc import OperationalError

from architecture.test_errors import every_error, make
from entrepot.catalog import faults as catalog
from entrepot.catalog.catalog import Catalog
from entrepot.cli.invocation import Invocation
from entrepot.cli.main import run
from entrepot.decoding.json_text import bounded_json
from entrepot.depot import Depot
from entrepot.errors import EntrepotError, UnknownName
from entrepot.model.artifact import Artifact
from entrepot.model.relative_path import relative_path
from entrepot.model.remote import Access, Remote
from entrepot.serve.ranges import parse_ranges
from entrepot.serve.target import parse_target
from entrepot.settings.repository_table import read_repository
from entrepot.settings.values import Surroundings
from entrepot.storage.faults import fault
from entrepot.testing.bad_origin import BadOrigin
from entrepot.testing.bad_replies import Reply
from entrepot.testing.depots import depot

SECRET = "canary-0d9e"
Case: TypeAlias = Callable[["Scene"], Awaitable[object]]


@attrs.frozen
class Scene:
    """Where errors happen: a depot, an upstream, and a folder."""

    folder: Path
    depot: Depot
    origin: BadOrigin


def fetched(
    reply: Reply | None,
    *,
    url: str = "",
    artifact: Artifact | None = None,
    access: Access | None = None,
    **politely: Any,
) -> Case:
    """Fetch something that is answered so, as a remote that has a secret."""

    async def happen(scene: Scene) -> object:
        if reply is not None:
            scene.origin.on("/x*", reply)
        remote = scene.depot.remote("tools")
        politeness = attrs.evolve(remote.politeness, **politely)
        remote = attrs.evolve(remote, politeness=politeness, access=access or remote.access)
        return await remote.get_downloader(url or scene.origin.url(f"/x?token={SECRET}"), artifact=artifact).run()

    return happen


def called(function: Callable[..., object], *given: Any, **named: Any) -> Case:
    """Call something that refuses."""

    async def happen(_: Scene) -> object:
        return function(*given, **named)

    return happen


def disk(number: int) -> Case:
    """What a system call says, as the storage tells it."""

    async def happen(scene: Scene) -> object:
        raise fault(OSError(number, os.strerror(number), str(scene.folder)), "storage")

    return happen


def database(name: str) -> Case:
    """What a driver says, as the catalog tells it."""

    async def happen(_: Scene) -> object:
        cause = sqlite3.OperationalError("said the driver")
        cause.sqlite_errorname = name
        with catalog.told("sqlite:///catalog.sqlite"):
            raise OperationalError("SELECT 1", None, cause)

    return happen


async def no_catalog(scene: Scene) -> object:
    """Open a catalog that is not there."""
    return Catalog.open(f"sqlite:///{scene.folder / 'none.sqlite'}", locks=scene.folder / "locks")


CASES: dict[str, Case] = {
    "Absent": fetched(Reply(status=404)),
    "AccessDenied": fetched(Reply(status=403)),
    "AddressRefused": fetched(None, url="http://10.0.0.1/x", access=Access()),
    "BeyondLimits": called(bounded_json, b"[" * 100, where="feed.json"),
    "CatalogDamaged": database("SQLITE_CORRUPT"),
    "CatalogFull": database("SQLITE_FULL"),
    "CatalogLocked": database("SQLITE_BUSY"),
    "CatalogMissing": no_catalog,
    "CatalogReadOnly": database("SQLITE_READONLY"),
    "CatalogUnavailable": database("SQLITE_IOERR"),
    "DigestMismatch": fetched(Reply(body=b"x"), artifact=Artifact(sha256="0" * 64)),
    "DiskFailed": disk(errno.EIO),
    "DiskFull": disk(errno.ENOSPC),
    "InvalidMetadata": called(bounded_json, b'{"a": 1, "a": 2}', where="feed.json"),
    "InvalidPath": called(relative_path, "../../etc/passwd"),
    "Mismatch": called(read_repository, "tools", 7, file="entrepot.toml", surroundings=Surroundings()),
    "NoSuchPath": called(parse_target, "/tools/../../x"),
    "NotBound": called(Remote("http://upstream.example/").get_downloader, "http://upstream.example/x"),
    "RedirectRefused": fetched(Reply.redirect(f"ftp://u:{SECRET}@upstream.example/")),
    "SizeMismatch": fetched(Reply(body=b"xyz"), artifact=Artifact(size=1)),
    "StorageReadOnly": disk(errno.EROFS),
    "TooLarge": fetched(Reply(body=b"x" * 100, framing="chunked"), largest_metadata=10),
    "TooLittleMemory": disk(errno.ENOMEM),
    "TooManyFiles": disk(errno.EMFILE),
    "TooSlow": fetched(Reply(pause=3), connect_timeout=0.2, header_timeout=0.2, retries=0),
    "Truncated": fetched(Reply(body=b"x" * 100, cut=10)),
    "Unavailable": fetched(Reply(status=503)),
    "UnexpectedAnswer": fetched(Reply(status=204)),
    "UnknownName": called(UnknownName, "repository", "tols", ["tools"]),
    "Unreachable": fetched(None, url="http://127.0.0.1:9/x"),
    "Unsatisfiable": called(parse_ranges, "bytes=10-", 5),
    "UnusableUrl": fetched(None, url="gopher://upstream.example/x"),
}

#: Those that another test makes happen, where all that they need is at hand; here they are printed.
ELSEWHERE = {
    "BytesGone",
    "CatalogNewer",
    "ClockDisagrees",
    "ConfigurationError",
    "ContentLost",
    "DepotBusy",
    "DepotError",
    "DownloadError",
    "EntrepotError",
    "Expired",
    "Failed",
    "GoneVersion",
    "IntegrityError",
    "Interrupted",
    "LeaseLost",
    "LeftOpen",
    "LoopBlocked",
    "NotConnected",
    "NotFound",
    "NotHeld",
    "NotYet",
    "PathTaken",
    "OlderThanSeen",
    "PipelineStopped",
    "PlanConflict",
    "PlanError",
    "PluginError",
    "Refused",
    "RepositoryBusy",
    "ResumeRefused",
    "RunTooLong",
    "StageFailed",
    "StageHung",
    "StageStalled",
    "TooLarge",
    "Unacceptable",
    "StageTooLate",
    "Trouble",
    "UnitsLost",
    "UnknownStage",
    "UnmetNeed",
    "Untrusted",
    "UpstreamError",
    "WorkerLost",
    "_UsageError",
}

#: An answer to clients of the server, who have nothing to type; and one that says what to write.
WITHOUT_REMEDY = {"Mismatch", "NoSuchPath"}
#: What a plugin says of a path or a text is given its place by the stage that it happened in; the
#: missing catalog is named in the first line.
PLACED_LATER = {"CatalogMissing", "InvalidPath", "NotBound", "UnknownName", "Unsatisfiable", "NoSuchPath"}


async def happened(name: str, folder: Path) -> EntrepotError:
    """Let an error happen, and return it."""
    async with BadOrigin() as origin:
        table = {
            "type": "file",
            "url": origin.url("/"),
            "retries": 0,
            "allow_private": True,
            "headers": {"X-Key": SECRET},
        }
        with depot(folder, {"tools": table}, installed=False) as opened:
            try:
                made = await CASES[name](Scene(folder, opened, origin))
            except EntrepotError as error:
                return error
    assert isinstance(made, EntrepotError), f"{name} did not happen"
    return made


def printed(error: EntrepotError, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Print an error as the command line ends with it, with all that --debug shows."""
    import entrepot.cli.main

    class Raising:
        def main(self, *_: object, **__: object) -> None:
            raise error

    monkeypatch.setattr(entrepot.cli.main, "make_root", Raising)
    assert run([], Invocation(environ={}, debug=False)) == getattr(error, "code", error.exit_code)
    plain = capsys.readouterr().err
    run([], Invocation(environ={}, debug=True))
    assert SECRET not in plain + capsys.readouterr().err
    return plain.splitlines()


def test_every_class_has_a_case() -> None:
    """A new class is made to happen here, or is said to happen elsewhere; none is told of that is gone."""
    classes = {error.name for error in every_error()}

    assert classes - CASES.keys() - ELSEWHERE == set()
    assert (CASES.keys() | ELSEWHERE) - classes == set()


@pytest.mark.promise("P30")
@pytest.mark.parametrize("name", CASES)
def test_an_error_that_happened_says_what_where_and_what_to_do(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In lines of their own, without a secret, also with --debug; and the process ends with its code."""
    error = asyncio.run(happened(name, tmp_path))
    lines = printed(error, capsys, monkeypatch)

    assert type(error).__name__ == name
    assert lines[0].startswith("error: ")
    assert any(line.startswith("  where:  ") for line in lines) or name in PLACED_LATER
    assert any(line.startswith("  remedy: ") for line in lines) or name in WITHOUT_REMEDY


@pytest.mark.parametrize("error", [error for error in every_error() if error.name in ELSEWHERE], ids=lambda e: e.name)
def test_every_other_error_is_printed(
    error: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it was made, with its own exit code."""
    made = make(error.load())

    lines = printed(made.at("a place"), capsys, monkeypatch)

    assert lines[0].removeprefix("error: ") == made.what.splitlines()[0]
    assert "  where:  a place" in "\n".join(lines)

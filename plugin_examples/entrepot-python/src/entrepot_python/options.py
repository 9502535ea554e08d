"""What `[repositories.NAME.options]` may say of a Python index."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, TypeAlias
from urllib.parse import urlsplit

import attrs

from entrepot.plugin import ConfigurationError, safe_url

#: What kinds of distribution files there are.
Kind: TypeAlias = Literal["wheel", "sdist", "egg", "other"]


def _option(default: Any, doc: str) -> Any:
    return attrs.field(default=default, metadata={"doc": doc})


@attrs.frozen(kw_only=True)
class PythonOptions:
    """Which projects and files are mirrored, and as what.

    A file is mirrored when include or include_from names its project and admits its version, and
    nothing else leaves it out. Everything is decided before anything is downloaded; `entrepot why`
    tells what left a file out.
    """

    include: tuple[str, ...] = _option(
        (), 'names, perhaps with * and ?, perhaps with versions: "attrs", "flask-*", "attrs>=23", or "*" for all'
    )
    include_from: tuple[Path, ...] = _option(
        (), "whole paths of requirements.txt, pylock.toml or uv.lock, read at every sync"
    )
    exclude: tuple[str, ...] = _option((), "what is not mirrored even so, written as in include")
    newest: int | None = _option(
        None,
        "so many final releases of each project that are not yanked, and whatever is newer than the oldest of them",
    )
    prereleases: bool = _option(default=True, doc="whether pre-releases and development releases are mirrored unnamed")
    package_types: tuple[Kind, ...] = _option((), "only these kinds of files; all where empty")
    python_versions: tuple[str, ...] = _option(
        (), 'only files that run on one of these, such as "3.11", or "3.13t" for free threading'
    )
    platforms: tuple[str, ...] = _option(
        (),
        'only wheels for one of these or for any: "manylinux_2_28_x86_64" and what runs there, "win_amd64", "macosx_*"',
    )
    dependencies: bool = _option(
        default=False,
        doc="whether what these need is mirrored too, to the end, for each of python_versions on each of platforms",
    )
    max_size: int | None = _option(None, "bytes; a file of which the index says that it is larger is left out")
    legacy_json: bool = _option(default=False, doc="whether pypi/PROJECT/json is published beside the simple API")
    provenance: bool = _option(
        default=False,
        doc="whether provenance and its attestations (PEP 740) are mirrored with each file, and served beside it",
    )
    base_url: str | None = _option(
        None,
        "where clients find this repository; makes the addresses in pypi/PROJECT/json absolute,"
        " and those of provenance that is mirrored",
    )


def check_options(options: PythonOptions, *, pull_through: bool = False) -> None:
    """Raise a `ConfigurationError` for what no table can say, whatever its keys are."""
    if not options.include and not options.include_from and not pull_through:
        raise ConfigurationError(
            "the option include names no project",
            remedy='set include = ["pluggy", "attrs>=23"], or include = ["*"] for every project of the index',
        )
    if options.dependencies and not (options.python_versions and options.platforms):
        raise ConfigurationError(
            "dependencies = true needs python_versions and platforms: what is needed depends on them",
            remedy='python_versions = ["3.12"] and platforms = ["manylinux_2_28_x86_64"], for instance',
        )
    if options.dependencies and pull_through:
        raise ConfigurationError(
            "dependencies and pull_through are both set",
            remedy="take one out: with pull_through, what a project needs is fetched when a client asks for that",
        )
    if options.newest is not None and options.newest < 1:
        raise ConfigurationError("the option newest is less than 1", remedy="newest = 3")
    if options.base_url is not None and urlsplit(options.base_url).scheme not in ("http", "https"):
        raise ConfigurationError(
            f"base_url is {safe_url(options.base_url)!r:.120}, which is no web address",
            remedy='base_url = "https://mirror.example/tools/"',
        )
    for path in options.include_from:
        if not path.is_absolute():
            raise ConfigurationError(
                f"{str(path)!r} in include_from is no whole path, so it depends on where a sync is started",
                remedy=f'include_from = ["/srv/{path.name}"]',
            )

"""Where the files of a suite stand in an archive, and of one that is flat (sources.list(5))."""

from __future__ import annotations

from entrepot.plugin import relative_path


def is_flat(suite: str) -> bool:
    """Whether it names a folder with Release and Packages in it, as the lines of apt do."""
    return suite.endswith("/")


def folder_of(suite: str) -> str:
    """The folder of a suite, below that of its archive: empty, or with a slash at its end.

    Raises `InvalidPath` for one that would be elsewhere.
    """
    if not is_flat(suite):
        return f"dists/{relative_path(suite)}/"
    folder = suite.removeprefix("./").removesuffix("/")
    return f"{relative_path(folder)}/" if folder else ""

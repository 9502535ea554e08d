"""What `[repositories.NAME.options]` may say of a Debian archive."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal

import attrs

from entrepot.plugin import ConfigurationError
from entrepot_deb.layout import folder_of, is_flat

_SNAPSHOTS = re.compile(r"https?://[!-~]+@SNAPSHOTID@[!-~]*")


def _option(default: Any, doc: str) -> Any:
    return attrs.field(default=default, metadata={"doc": doc})


@attrs.frozen(kw_only=True)
class DebOptions:
    """Which parts of an archive are mirrored, whose signatures are believed, and who signs what is served.

    With `publish = "verbatim"` what the archive signed is served as it is, so clients check the
    archive's own signature; it is true of whole lists alone. With `"signed"` lists are written anew,
    of what the filters choose, and signed with `signing_key`.
    """

    suites: tuple[str, ...] = _option(
        (), 'suites as they stand below dists/, "stable", or folders of a flat archive, "./"'
    )
    components: tuple[str, ...] = _option((), "only these components; all that the suite has where empty")
    architectures: tuple[str, ...] = _option((), "only these architectures; all that the suite has where empty")
    keyring: Path | None = _option(  # noqa: RUF009  # it makes a field
        None, "a whole path: the public keys that may sign the archive"
    )
    unsigned: Literal["refuse", "allow"] = _option("refuse", "without a keyring: allow takes what comes, from whoever")
    sources: bool = _option(default=False, doc="whether source packages are mirrored")
    translations: bool = _option(default=False, doc="whether descriptions in other languages are mirrored (i18n)")
    contents: bool = _option(default=False, doc="whether lists of the files in packages are mirrored (Contents)")
    dep11: bool = _option(default=False, doc="whether what software centres show is mirrored (dep11)")
    publish: Literal["verbatim", "signed"] = _option(
        "verbatim", "what clients verify: the archive's signatures, or those of signing_key over what was chosen"
    )
    signing_key: Path | None = _option(  # noqa: RUF009  # it makes a field
        None, "a whole path: the secret key for publish = signed, without a passphrase, read at every sync"
    )
    snapshots: str = _option(
        "", 'for publish = signed: where apt finds earlier versions, "https://mirror.example/NAME@@SNAPSHOTID@/"'
    )
    packages: tuple[str, ...] = _option((), 'only packages of these names, perhaps with * and ?: "nginx*"')
    exclude: tuple[str, ...] = _option((), "packages that are not mirrored even so, written as in packages")
    sections: tuple[str, ...] = _option((), 'only these sections, perhaps with * and ?: "net", "non-free/*"')
    priorities: tuple[str, ...] = _option((), 'only these priorities: "required", "important"')
    newest: int | None = _option(None, "so many versions of each package in each suite and architecture")
    dependencies: bool = _option(default=False, doc="whether what the chosen packages need is mirrored too, to the end")
    recommends: bool = _option(default=False, doc="whether dependencies follows what packages recommend as well")

    @property
    def filters(self) -> list[str]:
        """The options that choose among the packages of a list."""
        names = ("packages", "exclude", "sections", "priorities", "newest", "dependencies")
        return [name for name in names if getattr(self, name)]


def check_options(options: DebOptions) -> None:
    """Raise a `ConfigurationError` for what no table can say, whatever its keys are."""
    if not options.suites:
        raise ConfigurationError("the option suites names no suite", remedy='suites = ["stable"]')
    for suite in options.suites:
        folder_of(suite)
        if is_flat(suite) and options.publish == "signed":
            raise ConfigurationError(
                f"{suite!r:.80} names a flat archive, of which no lists are written anew",
                remedy='set publish = "verbatim", in a repository of its own',
            )
    _check_publishing(options)
    if options.newest is not None and options.newest < 1:
        raise ConfigurationError("the option newest is less than 1", remedy="newest = 2")
    if options.recommends and not options.dependencies:
        raise ConfigurationError("recommends says what dependencies follows", remedy="set dependencies = true")
    if options.keyring is not None and not options.keyring.is_absolute():
        raise ConfigurationError(
            f"keyring is {str(options.keyring)!r:.120}, which depends on where a sync is started",
            remedy='keyring = "/usr/share/keyrings/archive.gpg"',
        )
    if options.keyring is None and options.unsigned == "refuse":
        raise ConfigurationError(
            "there is no keyring, so nothing tells whose archive this is",
            remedy='keyring = "/usr/share/keyrings/archive.gpg", or unsigned = "allow"',
        )


def _check_publishing(options: DebOptions) -> None:
    if options.publish == "verbatim":
        if options.filters:
            raise ConfigurationError(
                f"{' and '.join(options.filters)} would make untrue what the archive has signed:"
                " its lists name every package",
                remedy='set publish = "signed" and a signing_key, or take the filters out',
            )
        if options.signing_key is not None:
            raise ConfigurationError(
                'there is a signing_key, and publish = "verbatim" signs nothing', remedy='set publish = "signed"'
            )
        if options.snapshots:
            raise ConfigurationError(
                'snapshots is written into a Release, and publish = "verbatim" writes none',
                remedy="tell apt instead: Acquire::Snapshots::URI::Override::Origin::ORIGIN in its configuration",
            )
        return
    if options.signing_key is None:
        raise ConfigurationError(
            'publish = "signed" needs a signing_key',
            remedy='signing_key = "/etc/entrepot/archive-key.asc", a secret key without a passphrase',
        )
    if not options.signing_key.is_absolute():
        raise ConfigurationError(
            f"signing_key is {str(options.signing_key)!r:.120}, which depends on where a sync is started",
            remedy='signing_key = "/etc/entrepot/archive-key.asc"',
        )
    if options.snapshots and not _SNAPSHOTS.fullmatch(options.snapshots):
        raise ConfigurationError(
            f"snapshots is {options.snapshots!r:.120}, and no URL in which @SNAPSHOTID@ stands for a moment",
            remedy='snapshots = "https://mirror.example/NAME@@SNAPSHOTID@/"',
        )

"""What `[repositories.NAME.options]` may say of a Debian archive."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import attrs

from entrepot.plugin import ConfigurationError, relative_path


def _option(default: Any, doc: str) -> Any:
    return attrs.field(default=default, metadata={"doc": doc})


@attrs.frozen(kw_only=True)
class DebOptions:
    """Which parts of an archive are mirrored, and whose signatures are believed.

    What the archive signed is served as it is, so clients check the archive's own signature.
    """

    suites: tuple[str, ...] = _option((), 'suites as they stand below dists/: "stable", "stable-security"')
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


def check_options(options: DebOptions) -> None:
    """Raise a `ConfigurationError` for what no table can say, whatever its keys are."""
    if not options.suites:
        raise ConfigurationError("the option suites names no suite", remedy='suites = ["stable"]')
    for suite in options.suites:
        if suite.endswith("/"):
            raise ConfigurationError(
                f"{suite!r:.80} names a flat archive, and only archives with dists/ and pool/ are mirrored",
                remedy='suites = ["stable"]',
            )
        relative_path(suite)
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

"""Secrets that the system's keyring keeps, asked through the package `keyring`, an extra."""

from __future__ import annotations

from entrepot.errors import ConfigurationError


def from_keyring(entry: str) -> str:
    """Ask for the password of `service/user`; what stands before the last slash is the service.

    A keyring may ask a person to unlock it first. Nothing is written to it, and nothing is kept.
    """
    service, _, user = entry.rpartition("/")
    try:
        import keyring  # noqa: PLC0415  # an extra, and needed only by who keeps secrets there
        from keyring.errors import KeyringError  # noqa: PLC0415  # of that extra
    except ImportError as error:
        raise ConfigurationError(
            f"a secret is to be had in the keyring, {entry!r}, and the package 'keyring' is not installed",
            remedy="install the extra: pip install 'entrepot[keyring]'",
        ) from error
    try:
        value: str | None = keyring.get_password(service, user)
    except (KeyringError, OSError, RuntimeError) as error:
        # What a backend says is its own, and may repeat what it was given: its kind must do.
        raise ConfigurationError(
            f"the keyring cannot be asked for {entry!r} ({type(error).__name__})",
            remedy="see which one is used with: keyring diagnose; or have the secret in a file instead",
        ) from None
    if value is None:
        raise ConfigurationError(
            f"the keyring has no entry {entry!r}, and a secret is to be had there",
            remedy=f"put it there: keyring set {service} {user}",
        )
    return value

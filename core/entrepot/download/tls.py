"""Who vouches for an upstream, and which certificate of ours it is shown."""

from __future__ import annotations

import ssl
from functools import cached_property
from typing import TYPE_CHECKING

from entrepot.errors import ConfigurationError

if TYPE_CHECKING:
    from entrepot.model.remote import Access


class Trust:
    """The TLS settings of one remote, read from their files when the first connection needs them.

    With `ca_file`, that authority alone vouches for the remote's own origin; elsewhere, where a
    redirect may lead, it and the system's do. A client certificate is shown to the own origin alone.
    """

    def __init__(self, access: Access) -> None:
        self._access = access

    @cached_property
    def own(self) -> ssl.SSLContext:
        """For the origin of the remote's URL."""
        access = self._access
        try:
            context = ssl.create_default_context(cafile=access.ca_file)
            if access.client_cert is not None:
                context.load_cert_chain(access.client_cert, access.client_key)
        except (OSError, ValueError) as error:
            raise _unreadable(access) from error
        return context

    @cached_property
    def others(self) -> ssl.SSLContext:
        """For every other origin."""
        access = self._access
        if access.ca_file is None and access.client_cert is None:
            return self.own
        context = ssl.create_default_context()
        try:
            if access.ca_file is not None:
                context.load_verify_locations(access.ca_file)
        except (OSError, ValueError) as error:
            raise _unreadable(access) from error
        return context


def _unreadable(access: Access) -> ConfigurationError:
    named = {"ca_file": access.ca_file, "client_cert": access.client_cert, "client_key": access.client_key}
    files = ", ".join(f"{name} = {str(path)!r}" for name, path in named.items() if path is not None)
    return ConfigurationError(
        "a certificate or key cannot be read",
        where=files,
        remedy="see that each file exists, is PEM, may be read by you, and that key and certificate belong together",
    )

"""Who may see a private repository."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping
from typing import TYPE_CHECKING

import attrs
from aiohttp import web

from entrepot.serve.lookup import is_private
from entrepot.serve.refusals import one_line, unknown_repository

if TYPE_CHECKING:
    from entrepot.depot import Depot
    from entrepot.model.remote import Secret


@attrs.frozen
class Doorkeeper:
    """Lets everyone to public repositories, and who has its token to a private one.

    A private repository without a token is seen by nobody: it is answered as one that is not there.
    """

    depot: Depot
    tokens: Mapping[str, Secret]

    async def turn_away(self, request: web.Request, name: str) -> web.Response | None:
        """Answer whoever may not see a repository; None for who may."""
        if not await self.is_private(name):
            return None
        token = self.tokens.get(name)
        if token is None:
            return unknown_repository(name)
        if _shown(request.headers.get("Authorization", ""), token.reveal()):
            return None
        return one_line(401, "this repository needs a token", WWW_Authenticate='Basic realm="entrepot"')

    async def is_private(self, name: str) -> bool:
        """Ask the configuration, and the catalog for what is no longer configured."""
        configured = self.depot.settings.repositories.get(name)
        if configured is not None:
            return configured.private
        return await self.depot.catalog.ask(is_private, self.depot.catalog.reader, name)


def _shown(header: str, token: str) -> bool:
    """Whether a token was sent: as such, or as the password of whatever user."""
    scheme, _, value = header.partition(" ")
    match scheme.lower():
        case "bearer":
            sent = value.strip().encode(errors="surrogateescape")
        case "basic":
            try:
                sent = base64.b64decode(value.strip(), validate=True).partition(b":")[2]
            except ValueError:  # not base64, or not even ASCII
                return False
        case _:
            return False
    return hmac.compare_digest(sent, token.encode())

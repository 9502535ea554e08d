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
    A combination asks for its own token, or else for those of all private repositories in it.
    """

    depot: Depot
    tokens: Mapping[str, Secret]

    async def turn_away(self, request: web.Request, name: str) -> web.Response | None:
        """Answer whoever may not see a repository; None for who may."""
        if not await self.is_private(name):
            return None
        tokens = [self.tokens.get(each) for each in self._guarded(name)]
        if None in tokens:
            return unknown_repository(name)
        shown = request.headers.get("Authorization", "")
        if all(token is not None and shows(shown, token.reveal()) for token in tokens):
            return None
        return one_line(401, "this repository needs a token", WWW_Authenticate='Basic realm="entrepot"')

    async def is_private(self, name: str) -> bool:
        """Ask the configuration, and the catalog for what is no longer configured."""
        settings = self.depot.settings
        configured = settings.combined.get(name) or settings.repositories.get(name)
        if configured is not None:
            return configured.private
        return await self.depot.catalog.ask(is_private, self.depot.catalog.reader, name)

    def _guarded(self, name: str) -> list[str]:
        """Whose tokens have to be shown, each of them, for something private."""
        settings = self.depot.settings
        combined = settings.combined.get(name)
        if combined is None or name in self.tokens:
            return [name]
        return [member for member in combined.repositories if settings.repositories[member].private]


def shows(header: str, token: str) -> bool:
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

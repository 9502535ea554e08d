"""What local files and addresses a repository's upstream may lead to, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrepot.download.address import loopback_of

if TYPE_CHECKING:
    from entrepot.settings import RepositorySettings


def allowed_unasked(repository: RepositorySettings) -> str | None:
    """Say what is allowed because the configuration itself names it; None when that is nothing."""
    url = repository.url or ""
    if url.lower().startswith("file:"):
        return "its url is on this machine, so what it lists may be files of this machine"
    if repository.allows_private:
        return "allow_private is set, so its upstream may lead to any private, loopback or link-local address"
    own = loopback_of(url)
    if own is None:
        return None
    host = "localhost" if own[0] is None else str(own[0])
    return f"its url names {host} port {own[1]} itself, so that is allowed, and no other private or loopback address"

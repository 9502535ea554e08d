"""Keeping user names and passwords of URLs out of a configuration that is written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit


def without_credentials(name: str, table: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return a repository's table whose URL names no user, and a word on each variable it needs then.

    Nothing needs to be said where the table says already where the secret is to be had. A URL that
    cannot be taken apart stays as it is: it is refused before anything is written.
    """
    url = table.get("url")
    try:
        parts = urlsplit(url if isinstance(url, str) else "")
    except ValueError:
        return dict(table), {}
    place, at, host = parts.netloc.rpartition("@")
    if not at:
        return dict(table), {}
    access, told = _elsewhere(name, *place.partition(":")[::2])
    bare = {**table, "url": urlunsplit(parts._replace(netloc=host))}
    begins: dict[str, Any] = {key: bare[key] for key in ("type", "url") if key in bare}
    whole = merged({**begins, **access}, bare)
    places = [{"env": variable} for variable in told]
    if not any(place in (whole.get("password"), _header(whole, "Authorization")) for place in places):
        told = {}
    return whole, told


def merged(table: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    """Put one table over another; tables of many keys are merged, and a secret is had from one place."""
    tables = [key for key in ("options", "headers", "plugins") if key in table and isinstance(asked.get(key), Mapping)]
    return {**table, **asked, **{key: {**table[key], **asked[key]} for key in tables}}


def _elsewhere(name: str, user: str, password: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Keys for a user, and what to say of each variable.

    A user without a password is a token more often than a name, so it counts as a secret too.
    """
    variable = f"ENTREPOT_{re.sub(r'[^A-Z0-9]+', '_', name.upper())}"
    if password:
        variable = f"{variable}_PASSWORD"
        told = f"the password in its URL is not written down; set it for syncs: export {variable}=..."
        return {"username": unquote(user), "password": {"env": variable}}, {variable: told}
    variable = f"{variable}_AUTHORIZATION"
    encoded = "$(printf %s 'USER:' | base64 -w 0)"
    told = f'the user in its URL is not written down; set it for syncs: export {variable}="Basic {encoded}"'
    return {"headers": {"Authorization": {"env": variable}}}, {variable: told}


def _header(table: Mapping[str, Any], name: str) -> Any:
    headers = table.get("headers")
    return headers.get(name) if isinstance(headers, Mapping) else None

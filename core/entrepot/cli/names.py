"""Names of repositories as arguments: completed in the shell, checked before anything begins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from entrepot.cli.invocation import Invocation
from entrepot.errors import EntrepotError


def repository_names(context: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """What the shell offers; a broken configuration offers nothing and says nothing."""
    invocation = context.find_object(Invocation)
    if invocation is None:
        return []
    try:
        names = invocation.settings().repositories
    except (EntrepotError, ExceptionGroup):
        return []
    return [name for name in sorted(names) if name.startswith(incomplete)]


def combination_names(context: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """What the shell offers where a combination is meant."""
    invocation = context.find_object(Invocation)
    if invocation is None:
        return []
    try:
        names = invocation.settings().combined
    except (EntrepotError, ExceptionGroup):
        return []
    return [name for name in sorted(names) if name.startswith(incomplete)]


def types(context: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Repository types that plugins bring."""
    invocation = context.find_object(Invocation)
    if invocation is None:
        return []
    try:
        known = invocation.plugins().first_stages
    except (EntrepotError, ExceptionGroup):
        return []
    return [name for name in sorted(known) if name.startswith(incomplete)]


def name_argument(name: str = "name", **named: Any) -> Callable[[Any], Any]:
    """An argument that is a repository's name."""
    return click.argument(name, shell_complete=repository_names, **named)

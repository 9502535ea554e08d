"""Combinations: several repositories under one name, the earlier outranking the later."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from entrepot.errors import ConfigurationError, UnknownName
from entrepot.settings.mistakes import Mismatch, together
from entrepot.settings.repository_table import check_name
from entrepot.settings.secret_source import SecretSource
from entrepot.settings.structure import make_converter, structure
from entrepot.settings.values import CombinedSettings, RepositorySettings, Surroundings


@attrs.frozen(kw_only=True)
class CombinedTable:
    """`[combined.NAME]` as it is written."""

    repositories: tuple[str, ...]
    read_token: SecretSource | None = None


def read_combined(
    raw: Mapping[str, Any],
    repositories: Mapping[str, RepositorySettings],
    *,
    file: str,
    surroundings: Surroundings,
) -> dict[str, CombinedSettings]:
    """Read every combination, and tell all that is wrong at once."""
    read: dict[str, CombinedSettings] = {}
    wrong: list[Exception] = []
    for name, table in raw.items():
        where = f"{file}, combined.{name}"
        try:
            check_name(name, where)
            if not isinstance(table, Mapping):
                raise Mismatch("a table", table).at(where)
            said = structure(CombinedTable, table, where=where, converter=make_converter(surroundings.environ))
        except (ConfigurationError, ExceptionGroup) as error:
            wrong.append(error)
            continue
        mistakes = list(_mistakes(name, said, repositories, raw.keys(), where))
        wrong.extend(mistakes)
        if not mistakes:
            members = [repositories[member] for member in said.repositories]
            read[name] = CombinedSettings(
                name=name,
                type=members[0].type,
                repositories=said.repositories,
                private=any(member.private for member in members),
                place=where,
                read_token=said.read_token,
                surroundings=surroundings,
            )
    if wrong:
        raise together(wrong, file)
    return read


def _mistakes(  # what is wrong later supposes that nothing is wrong earlier
    name: str,
    said: CombinedTable,
    repositories: Mapping[str, RepositorySettings],
    combined: Any,
    where: str,
) -> Iterator[ConfigurationError]:
    if name in repositories:
        yield ConfigurationError(
            f"{name!r} is the name of a repository already", where, "give the combination another name"
        )
    place = f"{where}.repositories"
    if not said.repositories:
        yield ConfigurationError("a combination of no repositories", place, 'write repositories = ["NAME", "NAME"]')
    unfit = [_unfit(member, repositories, combined, place) for member in said.repositories]
    told = [error for error in unfit if error is not None]
    yield from told
    if not told and said.repositories:
        yield from _unfit_together(said, [repositories[member] for member in said.repositories], where)


def _unfit(
    member: str, repositories: Mapping[str, RepositorySettings], combined: Any, place: str
) -> ConfigurationError | None:
    if member in repositories:
        return None
    if member in combined:
        return ConfigurationError(
            f"{member!r} is a combination, and combinations are made of repositories",
            place,
            "write the names of its repositories in its place",
        )
    return UnknownName("repository", member, repositories, place)


def _unfit_together(said: CombinedTable, members: list[RepositorySettings], where: str) -> Iterator[ConfigurationError]:
    place = f"{where}.repositories"
    twice = sorted({name for name in said.repositories if said.repositories.count(name) > 1})
    if twice:
        yield ConfigurationError(f"{twice[0]!r} is named twice", place, "leave it where it is to rank")
        return
    kinds = {member.type: member.name for member in members}
    if len(kinds) > 1:
        told = " and ".join(f"{name!r} of type {kind!r}" for kind, name in list(kinds.items())[:2])
        yield ConfigurationError(
            f"only repositories of one type can be combined, and here is {told}", place, "make a combination of each"
        )
    ranked = sorted(members, key=lambda member: not _is_own(member))
    if ranked != members:
        yield ConfigurationError(
            "a public repository would outrank one of your own, and could put its packages in place of yours",
            place,
            f"write repositories = [{', '.join(chr(34) + member.name + chr(34) for member in ranked)}]",
        )
    yield from _incomplete(members)
    if said.read_token is not None and not any(member.private for member in members):
        yield ConfigurationError(
            "a token says who may read private repositories, and everybody may read these",
            f"{where}.read_token",
            "write private = true for one of them, or take read_token out",
        )


def _incomplete(members: list[RepositorySettings]) -> Iterator[ConfigurationError]:
    """What is left out of a version of one's own would be had from whoever ranks below."""
    for member in members[:-1]:
        if _is_own(member) and member.on_error != "fail":
            yield ConfigurationError(
                f"{member.name!r} outranks others in a combination: what it lacks for an error would come from them",
                f"{member.place}.on_error",
                'write on_error = "fail"',
            )


def _is_own(member: RepositorySettings) -> bool:
    """Whether what is in a repository is nobody else's: it is private, or filled by uploads."""
    return member.private or member.uploads

"""Combinations as they are written."""

from __future__ import annotations

from pathlib import Path

import pytest

from entrepot.errors import ConfigurationError, UnknownName
from entrepot.settings import Settings, load

REPOSITORIES = """
[repositories.ours]
type = "python"
private = true
[repositories.taken]
type = "python"
uploads = true
upload_token = { env = "TOKEN" }
[repositories.public]
type = "python"
url = "https://index.example/simple/"
[repositories.suite]
type = "deb"
url = "https://index.example/debian/"
[combined.other]
repositories = ["public"]
"""


def read(folder: Path, combined: str, repositories: str = REPOSITORIES) -> Settings:
    """Write a configuration, and load it."""
    file = folder / "entrepot.toml"
    file.write_text(f"{repositories}\n{combined}")
    return load(file, environ={"READ": "sesame"})


def test_a_combination_has_its_repositories_in_order_and_is_as_private_as_they_are(tmp_path: Path) -> None:
    """It is of their type; a token of its own is read when it is asked for."""
    settings = read(
        tmp_path, '[combined.all]\nrepositories = ["ours", "taken", "public"]\nread_token = { env = "READ" }'
    )

    everything, other = settings.combination("all"), settings.combination("other")
    assert (everything.type, everything.repositories) == ("python", ("ours", "taken", "public"))
    assert (everything.private, other.private) == (True, False)
    assert everything.read_token is not None
    assert (everything.read_token.reveal(), other.read_token) == ("sesame", None)


@pytest.mark.promise("P36")
@pytest.mark.parametrize("order", ['"public", "ours"', '"public", "taken"', '"ours", "public", "taken"'])
def test_nothing_public_outranks_what_is_ours(tmp_path: Path, order: str) -> None:
    """Who would put it first is told the order that can be."""
    with pytest.raises(ConfigurationError, match="could put its packages in place of yours") as raised:
        read(tmp_path, f"[combined.all]\nrepositories = [{order}]")

    assert raised.value.where.endswith("entrepot.toml, combined.all.repositories")
    assert raised.value.remedy.endswith('"public"]')


@pytest.mark.parametrize(
    ("written", "what", "remedy"),
    [
        ('repositories = ["ours", "publc"]', "there is no repository 'publc'; did you mean 'public'?", "use one of"),
        ('repositories = ["ours", "other"]', "'other' is a combination", "names of its repositories"),
        ('repositories = ["all"]', "'all' is a combination", "names of its repositories"),
        ('repositories = ["ours", "suite"]', "'ours' of type 'python' and 'suite' of type 'deb'", "of each"),
        ('repositories = ["ours", "public", "ours"]', "'ours' is named twice", "leave it"),
        ("repositories = []", "of no repositories", 'repositories = ["NAME", "NAME"]'),
        ('repositories = "ours"', "expected a list of text", "repositories = "),
        ("", "'repositories' is missing", "add it"),
        ('repositories = ["public"]\nread_token = { env = "READ" }', "everybody may read these", "private = true"),
        ('repositories = ["ours"]\nprivate = true', "there is no key 'private'", "correct it"),
    ],
)
def test_a_combination_that_cannot_be_is_refused(tmp_path: Path, written: str, what: str, remedy: str) -> None:
    """Where it is written, with what to write instead."""
    with pytest.raises(ConfigurationError) as raised:
        read(tmp_path, f"[combined.all]\n{written}")

    assert what in raised.value.what
    assert remedy in raised.value.remedy
    assert "entrepot.toml, combined.all" in raised.value.where


def test_a_combination_is_named_like_nothing_else(tmp_path: Path) -> None:
    """Its name stands in the same addresses as those of repositories, and follows the same rules."""
    with pytest.raises(ExceptionGroup) as raised:
        read(tmp_path, '[combined.ours]\nrepositories = ["public"]\n[combined."a/b"]\nrepositories = ["public"]')

    told = [str(error) for error in raised.value.exceptions]
    assert "'ours' is the name of a repository already" in told[0]
    assert "'a/b' cannot be the name of a repository" in told[1]


@pytest.mark.promise("P36")
@pytest.mark.parametrize("on_error", ["skip", "keep"])
def test_what_is_ours_and_failed_is_not_had_from_others(tmp_path: Path, on_error: str) -> None:
    """A version without what failed would leave its name to whoever ranks below; last, it harms nobody."""
    skipping = REPOSITORIES.replace("private = true", f'private = true\non_error = "{on_error}"')

    with pytest.raises(ConfigurationError, match="would come from them") as raised:
        read(tmp_path, '[combined.all]\nrepositories = ["ours", "public"]', skipping)
    read(tmp_path, '[combined.all]\nrepositories = ["ours"]', skipping)

    assert raised.value.where.endswith("entrepot.toml, repositories.ours.on_error")


def test_who_asks_for_the_wrong_kind_is_told_the_right_names(tmp_path: Path) -> None:
    """A combination is nothing that can be synced, and a repository combines nothing."""
    settings = read(tmp_path, '[combined.all]\nrepositories = ["ours", "public"]')

    with pytest.raises(UnknownName, match="'all' combines these: ours, public"):
        settings.repository("all")
    with pytest.raises(UnknownName, match="there is no combination 'al'; did you mean 'all'"):
        settings.combination("al")

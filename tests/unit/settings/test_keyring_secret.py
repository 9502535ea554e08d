"""Secrets that the system's keyring keeps."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import keyring
import keyring.backend
import keyring.backends.null
import keyring.core
import keyring.errors
import pytest

from entrepot.errors import ConfigurationError
from entrepot.settings.secret_source import SecretSource

#: Untyped where the extra is not installed; told so everywhere, types do not depend on that.
BACKEND: Any = keyring.backend.KeyringBackend


class Drawer(BACKEND):  # type: ignore[misc]  # see there
    """A keyring as the library knows them, in memory."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        if service == "broken":
            raise keyring.errors.KeyringError("the canary is in what a backend says")
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password


@pytest.fixture
def drawer() -> Iterator[Drawer]:
    """The keyring that is asked while a test runs."""
    before, made = keyring.get_keyring(), Drawer()
    keyring.set_keyring(made)
    yield made
    keyring.set_keyring(before)


def read(entry: Any) -> str:
    """Read what the configuration says, and then the secret."""
    return SecretSource.read({"keyring": entry}).resolve({}).reveal()


def test_a_secret_is_asked_of_its_service_and_user(drawer: Drawer) -> None:
    """The last slash divides: a service may be a URL."""
    keyring.set_password("https://index.example/simple", "ci", "sesame")

    assert read("https://index.example/simple/ci") == "sesame"


def test_what_is_not_there_is_told_with_what_to_type(drawer: Drawer) -> None:
    """The entry is named, as the keyring's own command wants it."""
    with pytest.raises(ConfigurationError) as caught:
        read("tools/ci")

    assert caught.value.remedy == "put it there: keyring set tools ci"


def test_a_keyring_that_fails_is_told_without_its_words(drawer: Drawer) -> None:
    """What a backend says may repeat what it was given."""
    with pytest.raises(ConfigurationError, match="cannot be asked") as caught:
        read("broken/ci")

    assert "canary" not in repr(caught.value.__cause__) + str(caught.value)


def test_where_no_keyring_works_a_file_is_advised() -> None:
    """The library's own backend for such machines refuses everything."""
    before = keyring.get_keyring()
    keyring.set_keyring(keyring.core.load_keyring("keyring.backends.fail.Keyring"))
    try:
        with pytest.raises(ConfigurationError, match="cannot be asked") as caught:
            read("tools/ci")
    finally:
        keyring.set_keyring(before)

    assert "file" in caught.value.remedy


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else needs it."""
    monkeypatch.setitem(sys.modules, "keyring", None)

    with pytest.raises(ConfigurationError) as caught:
        read("tools/ci")

    assert "entrepot[keyring]" in caught.value.remedy


@pytest.mark.parametrize("entry", ["tools", "/ci", "tools/", "", 7])
def test_an_entry_names_both(entry: object) -> None:
    """Without a user there is nothing to ask for."""
    with pytest.raises(ConfigurationError, match="does not say where"):
        read(entry)


def test_a_token_of_a_public_repository_is_a_mistake() -> None:
    """Who writes one down believes that it is asked for."""
    from entrepot.settings.reading import parse

    with pytest.raises(ConfigurationError, match="everybody may read") as caught:
        parse('[repositories.a]\ntype = "file"\nread_token = { env = "X" }', file=None, environ={})

    assert "private = true" in caught.value.remedy

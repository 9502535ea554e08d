"""What plugins register, checked, and claimed by one of them alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import pytest

from entrepot.assembly.registrations import Executor, FirstStage, Importer, Publisher
from entrepot.errors import PluginError, UnknownName
from entrepot.hooks.manager import Plugins
from entrepot.hooks.specs import hookimpl
from entrepot.model.content import Content, key
from installed_plugins import Builtin, record_of, with_plugins


@attrs.frozen
class Image(Content):
    TYPE = "firmware.image"
    name: str = key()


@attrs.frozen
class Nameless(Content):
    TYPE = "firmware.nameless"


class NoValue(Content):
    TYPE = "firmware.none"


def answering(hook: str, answer: object) -> object:
    """A plugin with one hook that always says the same."""
    return type("Answering", (), {hook: staticmethod(hookimpl(specname=hook)(lambda: answer))})()


def make(_: object) -> Any:
    """Stand for any maker; nobody calls it here."""


def _reading(importer: Any) -> FirstStage:
    """A first stage with an importer, and no name of its own to clash."""
    return FirstStage(f"type-{id(importer)}", make, importers=[importer])


CLAIMS: dict[str, tuple[str, Callable[[], object], str]] = {
    "content type": ("entrepot_register_content_types", lambda: [Image], "firmware.image"),
    "first stage": ("entrepot_register_first_stages", lambda: [FirstStage("firmware", make)], "firmware"),
    "publisher": ("entrepot_register_publishers", lambda: [Publisher("firmware", make)], "firmware"),
    "downloader": ("entrepot_register_downloaders", lambda: {"ftp": make}, "ftp"),
    "storage": ("entrepot_register_storages", lambda: {"tape": make}, "tape"),
    "executor": ("entrepot_register_executors", lambda: [Executor("elsewhere", make)], "elsewhere"),
    "importer": ("entrepot_register_first_stages", lambda: [_reading(Importer("some-file", make))], "some-file"),
}


@pytest.mark.parametrize(("kind", "claim"), CLAIMS.items(), ids=CLAIMS.keys())
def test_what_is_registered_is_found_under_its_name(kind: str, claim: tuple[str, Callable[[], object], str]) -> None:
    """And so is the plugin that brought it."""
    hook, answer, name = claim

    plugins = with_plugins(("p", answering(hook, answer())))

    held = [plugins.content_types, plugins.first_stages, plugins.publishers, plugins.downloaders, plugins.storages]
    assert name in [*held, plugins.executors, plugins.importers][list(CLAIMS).index(kind)]
    assert plugins.origin(kind, name) == "p"


@pytest.mark.fault("G02")
@pytest.mark.promise("P37")
@pytest.mark.parametrize(("kind", "claim"), CLAIMS.items(), ids=CLAIMS.keys())
def test_two_plugins_that_claim_one_thing_are_refused_at_start(
    kind: str, claim: tuple[str, Callable[[], object], str]
) -> None:
    """The error names both, and how to go on without one of them."""
    hook, answer, name = claim
    extra = [("second", answering(hook, answer())), ("first", answering(hook, answer()))]

    with pytest.raises(PluginError) as caught:
        with_plugins(*extra)

    assert "plugins 'first' and 'second' both bring" in caught.value.what
    assert repr(name) in caught.value.what
    assert "--block second" in caught.value.remedy


def test_claims_that_clash_can_still_be_looked_at() -> None:
    """`entrepot plugins` is what one types next."""
    extra = [(name, answering("entrepot_register_content_types", [Image])) for name in ("b", "a")]

    plugins = Plugins.survey(builtin=Builtin(), extra=extra, installed=False)

    assert [record.name for record in plugins.records] == ["a", "b", "builtin"]
    assert len(plugins.conflicts) == 1


def test_several_clashes_are_told_together() -> None:
    """One run shows them all."""
    both = [answering("entrepot_register_storages", {"tape": make, "disc": make}) for _ in range(2)]

    with pytest.raises(ExceptionGroup) as caught:
        with_plugins(("a", both[0]), ("b", both[1]))

    assert len(caught.value.exceptions) == 2


WRONG: dict[str, tuple[str, object, str]] = {
    "no list": ("entrepot_register_content_types", Image, "a list of content classes"),
    "an instance": ("entrepot_register_content_types", [Image("a")], "an attrs class made from Content"),
    "no attrs class": ("entrepot_register_content_types", [str], "an attrs class made from Content"),
    "no key": ("entrepot_register_content_types", [Nameless], "has no key"),
    "one type twice": ("entrepot_register_content_types", [Image, Image], "twice"),
    "no first stage": ("entrepot_register_first_stages", [make], "a FirstStage"),
    "no name": ("entrepot_register_first_stages", [FirstStage("", make)], "a repository type's name"),
    "no maker": ("entrepot_register_publishers", [Publisher("firmware", None)], "a function"),  # type: ignore[arg-type]  # wrong on purpose
    "no mapping": ("entrepot_register_storages", [make], "a mapping from scheme to factory"),
    "upper case": ("entrepot_register_storages", {"TAPE": make}, "a scheme in lower case"),
    "no executor": ("entrepot_register_executors", [make], "an Executor"),
    "no name of an executor": ("entrepot_register_executors", [Executor("", make)], "an executor's name"),
    "no runner": ("entrepot_register_executors", [Executor("x", None)], "a function"),  # type: ignore[arg-type]  # wrong on purpose
    "no importer": ("entrepot_register_first_stages", [_reading(make)], "an Importer"),
    "no option of an importer": (
        "entrepot_register_first_stages",
        [_reading(Importer("A b", make))],
        "an importer's name",
    ),
    "no reader": ("entrepot_register_first_stages", [_reading(Importer("x", None))], "a function that reads"),  # type: ignore[arg-type]  # wrong on purpose
    "no factory": ("entrepot_register_downloaders", {"ftp": "make"}, "a factory for scheme 'ftp'"),
}


@pytest.mark.parametrize(("hook", "answer", "expected"), WRONG.values(), ids=WRONG.keys())
def test_a_plugin_that_registers_nonsense_is_broken(hook: str, answer: object, expected: str) -> None:
    """Found when it is loaded, not in the middle of a sync."""
    plugins = with_plugins(("p", answering(hook, answer)))

    assert record_of(plugins, "p").state == "broken"
    assert expected in record_of(plugins, "p").reason


def test_a_class_that_cannot_have_fields_of_its_own_is_refused() -> None:
    """A subclass without `@attrs.frozen` has Content's fields alone, and so no key."""
    plugins = with_plugins(("p", answering("entrepot_register_content_types", [NoValue])))

    assert record_of(plugins, "p").state == "broken"


def test_an_unknown_repository_type_is_told_with_what_there_is() -> None:
    """A slip of the finger is answered with the name that was meant."""
    plugins = with_plugins(("p", answering("entrepot_register_first_stages", [FirstStage("firmware", make)])))

    assert plugins.first_stage("firmware").make is make
    with pytest.raises(UnknownName, match=r"there is no repository type 'firmwear'; did you mean 'firmware'\?"):
        plugins.first_stage("firmwear")


def test_a_type_whose_plugin_is_broken_leads_to_the_list_of_plugins() -> None:
    """The name is right; what is missing stands there with the reason."""
    plugins = with_plugins(("firmware", answering("entrepot_register_first_stages", 5)))

    with pytest.raises(UnknownName) as caught:
        plugins.first_stage("firmware")

    assert caught.value.remedy == "see why these plugins take no part: firmware: entrepot plugins"


def test_storage_is_opened_by_whoever_brings_its_scheme() -> None:
    """The factory gets the whole URL."""
    plugins = with_plugins(("tape", answering("entrepot_register_storages", {"tape": lambda url: [url]})))

    assert plugins.open_storage("tape://robot/7") == ["tape://robot/7"]
    with pytest.raises(UnknownName, match="'tepe'; did you mean 'tape'"):
        plugins.open_storage("tepe://robot/7")

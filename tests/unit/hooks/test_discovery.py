"""Plugins as they are found among what is installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from entrepot.errors import PluginError
from entrepot.hooks.discovery import discover
from installed_plugins import GOOD, found_in, importable, install, record_of
from source_tree import ROOT


def test_an_installed_plugin_is_found_and_asked(tmp_path: Path) -> None:
    """Installing is all it takes."""
    install(tmp_path, "image-plugin", GOOD, name="firmware")

    plugins = found_in(tmp_path)

    record = record_of(plugins, "firmware")
    assert (record.state, record.reason) == ("active", "")
    assert (record.version, record.distribution) == ("1.2", "image-plugin")
    assert record.hooks == ("entrepot_register_content_types",)
    assert plugins.content_types["firmware.image"].__name__ == "Image"
    assert plugins.origin("content type", "firmware.image") == "firmware"


@pytest.mark.promise("P37")
@pytest.mark.parametrize("blocked", ["firmware", "image-plugin"], ids=["by name", "by distribution"])
def test_a_blocked_plugin_is_not_even_imported(tmp_path: Path, blocked: str) -> None:
    """Taking out a plugin helps also when importing it does harm."""
    install(tmp_path, "image-plugin", f"open({str(tmp_path / 'imported')!r}, 'w').close()", name="firmware")

    plugins = found_in(tmp_path, blocked=[blocked])

    assert record_of(plugins, "firmware").state == "blocked"
    assert not (tmp_path / "imported").exists()
    assert plugins.unknown_blocks == ()


def test_a_block_that_fits_no_plugin_is_told(tmp_path: Path) -> None:
    """A misspelt name would leave the plugin in without a word."""
    install(tmp_path, "image-plugin", GOOD, name="firmware")

    plugins = found_in(tmp_path, blocked=["firmwear"])

    assert plugins.unknown_blocks == ("firmwear",)
    assert record_of(plugins, "firmware").state == "active"


@pytest.mark.fault("G02")
@pytest.mark.promise("P37")
@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_two_distributions_with_one_plugin_name_are_both_left_out(tmp_path: Path, order: tuple[int, int]) -> None:
    """Which of them came first would depend on the order of installation."""
    folders = [tmp_path / "a", tmp_path / "b"]
    install(folders[0], "first-firmware", GOOD, name="firmware")
    install(folders[1], "second-firmware", GOOD, name="firmware")

    plugins = found_in(*(folders[index] for index in order))

    record = record_of(plugins, "firmware")
    assert record.state == "broken"
    assert "first-firmware 1.2 and second-firmware 1.2" in record.reason
    assert "firmware.image" not in plugins.content_types


def test_one_distribution_that_names_a_plugin_twice_is_left_out(tmp_path: Path) -> None:
    """There is no saying which was meant."""
    install(tmp_path, "firmware", GOOD, points=[("firmware", "firmware"), ("firmware", "other")])

    assert record_of(found_in(tmp_path), "firmware").state == "broken"


def test_nobody_else_is_called_builtin(tmp_path: Path) -> None:
    """What core ships cannot be stood in for by what somebody installs."""
    install(tmp_path, "impostor", GOOD, name="builtin")

    records = [record for record in found_in(tmp_path).records if record.name == "builtin"]

    assert sorted((record.distribution, record.state) for record in records) == [
        ("entrepot", "active"),
        ("impostor", "broken"),
    ]


@pytest.mark.fault("G03")
@pytest.mark.parametrize(
    ("requirement", "left_out"),
    [
        ("entrepot>=2", True),
        ("Entrepot <1", True),
        ("entrepot>=1,<2", False),
        ("entrepot", False),
        ("entrepot>=2; python_version < '3'", False),
        ("entrepot-file>=9", False),
        ("entrepot >>> 1", True),
        ("entrepot[testing] (>=2)", True),
        ("entrepot[testing]>=2; extra == 'test'", False),
        ("entrepot>=2; extra == 'test' or python_version > '3'", True),
    ],
)
def test_a_plugin_for_another_version_of_entrepot_is_left_out(tmp_path: Path, requirement: str, left_out: bool) -> None:
    """It says so before it is imported, and names both versions."""
    install(tmp_path, "firmware", GOOD, requires=["attrs", requirement])

    with importable(tmp_path):
        wanted, refused = discover([], "1.5.dev3")

    assert ("firmware" in {candidate.name for candidate in wanted}) is not left_out
    assert ("firmware" in {record.name for record in refused}) is left_out


def test_what_only_an_extra_asks_for_costs_no_command_anything(tmp_path: Path) -> None:
    """Most plugins ask for the kit to test with; reading requirements takes longer than finding all plugins."""
    install(tmp_path, "firmware", GOOD, requires=["entrepot", 'entrepot[testing]>=1; extra == "test"', "entrepot-x>=2"])
    script = "import sys; from entrepot.hooks.discovery import discover; discover([], '1'); print(*sys.modules)"
    environment = {"PYTHONPATH": f"{tmp_path}:{ROOT / 'core'}", "PATH": "/nowhere"}

    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True, timeout=60
    )

    assert "packaging.requirements" not in done.stdout.split()


def test_nothing_is_imported_while_plugins_are_looked_for(tmp_path: Path) -> None:
    """Looking is quick and harmless, whatever is installed."""
    module = install(tmp_path, "firmware", "raise SystemExit(3)")

    with importable(tmp_path):
        discover([], None)

        assert module not in sys.modules


@pytest.mark.fault("G02")
@pytest.mark.promise("P37")
def test_installed_plugins_that_claim_one_thing_are_told_with_their_distributions(tmp_path: Path) -> None:
    """Either can then be uninstalled by the name that an installer knows."""
    install(tmp_path, "acme-images", GOOD, name="images")
    install(tmp_path, "other-firmware", GOOD, name="firmware")

    with pytest.raises(PluginError) as caught:
        found_in(tmp_path)

    assert "plugins 'firmware' and 'images' both bring" in caught.value.what
    assert "in other-firmware 1.2 and acme-images 1.2" in caught.value.where

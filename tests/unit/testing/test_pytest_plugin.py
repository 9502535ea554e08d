"""The fixtures come to those who ask for them by name, and to nobody else."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import attrs
import pytest

from pages import Page
from source_tree import ROOT

NAME = "entrepot.testing.pytest_plugin"

TESTS = """
from entrepot.testing import sync

from images import Images


async def test_all_fixtures_work_together(open_depot, origin, clock):
    url = origin.put("/LIST", b"one\\n")
    images = {"images": {"type": "images", "url": url, "allow_private": True}}
    with open_depot(images, plugins=[("images", Images())], installed=False) as opened:
        clock.turn(days=1)
        outcome = await sync(opened, "images")
        assert (outcome.added, outcome.version.completed) == (1, clock.moment)
    with open_depot(images, plugins=[("images", Images())], installed=False) as opened:
        assert (await sync(opened, "images")).version is None


def test_without_a_depot(clock):
    assert clock.moment.year == 2026
"""

IMAGES = """
import attrs
from entrepot.plugin import Content, DeclarativeContent, FirstStage, Stage, hookimpl, key


@attrs.frozen
class Image(Content):
    TYPE = "images.image"
    name: str = key()


class ReadList(Stage):
    def __init__(self, remote):
        self.remote = remote

    async def run(self):
        listed = await self.remote.get_downloader(url=self.remote.url).run()
        for name in listed.path.read_text().splitlines():
            await self.put(DeclarativeContent(Image(name)))


class Images:
    @hookimpl
    def entrepot_register_content_types(self):
        return [Image]

    @hookimpl
    def entrepot_register_first_stages(self):
        return [FirstStage("images", make=lambda context: ReadList(context.remote))]
"""


@attrs.frozen
class Project:
    """A stranger's plugin with tests, in a folder of its own."""

    folder: Path

    def run(self, *options: str) -> subprocess.CompletedProcess[str]:
        """Run its tests as its author does."""
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "asyncio_mode=auto", *options]
        return subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Two tests that ask for the fixtures."""
    (tmp_path / "pytest.ini").write_text("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    (tmp_path / "images.py").write_text(IMAGES)
    (tmp_path / "test_images.py").write_text(TESTS)
    return Project(tmp_path)


def test_a_conftest_asks_for_the_fixtures_by_name(project: Project) -> None:
    """One line, and a depot, an upstream and a clock are there."""
    (project.folder / "conftest.py").write_text(f'pytest_plugins = ["{NAME}"]\n')

    ran = project.run()

    assert ran.returncode == 0, ran.stdout
    assert "2 passed" in ran.stdout


@pytest.mark.slow
def test_the_page_about_them_is_true(project: Project) -> None:
    """Its blocks, as one module of tests, pass with fixtures that were asked for on the command line."""
    blocks = Page(ROOT / "docs" / "how-to" / "test-a-plugin.md").blocks
    code = [block.text for block in blocks if block.language == "python" and "pytest_plugins" not in block.text]
    (project.folder / "test_images.py").write_text("\n\n".join(code))

    ran = project.run("-p", NAME, "-k", "test_it_mirrors")

    assert "1 passed" in ran.stdout, ran.stdout


def test_nobody_gets_them_who_did_not_ask(project: Project) -> None:
    """Installing entrepot changes nobody's pytest."""
    ran = project.run()

    assert "2 errors" in ran.stdout
    assert "fixture 'open_depot' not found" in ran.stdout
    assert "pytest11" not in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"].get("entry-points", {})

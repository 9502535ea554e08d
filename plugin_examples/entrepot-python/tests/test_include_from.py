"""Requirements files and lock files."""

from __future__ import annotations

from pathlib import Path

import pytest

from entrepot.plugin import ConfigurationError
from entrepot_python.include_from import read_include_from


def read(path: Path) -> list[str]:
    """What a file asks for, as names and versions."""
    return [f"{requirement.name}{requirement.specifier}" for requirement in read_include_from([path])]


REQUIREMENTS = """\
\ufeff# a comment
--index-url https://index.example/simple/
-i https://index.example/simple/
-c constraints.txt
-e git+https://code.example/own.git#egg=own
-e .
--no-binary :all:
attrs == 23.1 ; python_version < "3.9"  # why
pluggy[extra]>=1,\\
  <2 \\
  --hash=sha256:0000 \\
  --hash=sha256:1111
flask~=3.0 --config-settings x=y
https://files.example/direct-1.0.tar.gz
direct @ https://files.example/direct-1.0.tar.gz
./local
sub/folder
local-1.0-py3-none-any.whl
-r more/others.txt
--requirement=more/others.txt
"""


def test_a_requirements_file_is_read_as_pip_reads_it(tmp_path: Path) -> None:
    """But for what comes from no index, and for markers and extras: a mirror is for every environment."""
    (tmp_path / "more").mkdir()
    (tmp_path / "requirements.txt").write_text(REQUIREMENTS, encoding="utf-8")
    (tmp_path / "more" / "others.txt").write_text("six\n-r ../requirements.txt\n")

    assert read(tmp_path / "requirements.txt") == ["attrs==23.1", "pluggy<2,>=1", "flask~=3.0", "six"]


PYLOCK = """
lock-version = "1.0"
created-by = "tool"
[[packages]]
name = "attrs"
version = "25.1.0"
index = "https://index.example/simple"
wheels = [{ name = "attrs-25.1.0-py3-none-any.whl", url = "https://x.example/a.whl", hashes = { sha256 = "00" } }]
[[packages]]
name = "unpinned"
[[packages]]
name = "own"
directory = { path = ".", editable = true }
[[packages]]
name = "checkout"
vcs = { type = "git", url = "https://code.example/x.git", commit-id = "0" }
[[packages]]
name = "direct"
archive = { url = "https://files.example/direct-1.0.tar.gz", hashes = { sha256 = "00" } }
"""

UV_LOCK = """
version = 1
revision = 2
requires-python = ">=3.11"
[[package]]
name = "app"
version = "0.1.0"
source = { virtual = "." }
dependencies = [{ name = "attrs" }]
[[package]]
name = "attrs"
version = "25.1.0"
source = { registry = "https://index.example/simple" }
sdist = { url = "https://x.example/a.tar.gz", hash = "sha256:00", size = 1, upload-time = "2025-01-25T11:30:12.862Z" }
[[package]]
name = "attrs"
version = "24.1.0"
source = { registry = "https://index.example/simple" }
[[package]]
name = "checkout"
version = "1.0"
source = { git = "https://code.example/x.git?rev=main#0" }
"""


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("pylock.toml", PYLOCK, ["attrs==25.1.0", "unpinned"]),
        ("pylock.dev.toml", 'lock-version = "1.0"\npackages = []', []),
        ("uv.lock", UV_LOCK, ["attrs==25.1.0", "attrs==24.1.0"]),
    ],
)
def test_a_lock_file_asks_for_the_versions_it_pins(tmp_path: Path, name: str, text: str, expected: list[str]) -> None:
    """Of packages that an index has; several versions of one are all asked for."""
    (tmp_path / name).write_text(text)

    assert read(tmp_path / name) == expected


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("requirements.txt", b"attrs\nplug gy\n", "line 2"),
        ("requirements.txt", b"attrs\n-r gone.txt", "gone.txt"),
        ("requirements.txt", b"\xff", "UTF-8"),
        ("uv.lock", b"version = ", "uv.lock"),
        ("uv.lock", b"package = 5", "uv.lock"),
        ("uv.lock", b'[[package]]\nname = "a"\nversion = "not one"', "uv.lock"),
        ("requirements.txt", b"attrs\n-r a\0b", "null byte"),
        ("requirements.txt", b"attrs\na==" + b"1" * 5000, "line 2"),
        ("requirements.txt", b"a; " + b"(" * 5000 + b"os_name=='x'" + b")" * 5000, "line 1"),
        ("uv.lock", b"version = " + b"1" * 5000, "digits"),
        ("uv.lock", b'[[package]]\nname = "a"\nversion = "' + b"1" * 5000 + b'"', "is not a requirement"),
        ("uv.lock", b"version = " + b"[" * 5000, "no lock file"),
        ("pyproject.toml", b'[project]\nname = "x"', "lists no packages"),
    ],
)
def test_what_cannot_be_read_is_told_with_file_and_line(tmp_path: Path, name: str, text: bytes, told: str) -> None:
    """A file that asks for half of what it should is worse than none."""
    (tmp_path / name).write_bytes(text)

    with pytest.raises(ConfigurationError) as caught:
        read(tmp_path / name)

    assert told in str(caught.value)
    assert caught.value.remedy


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    """By its path."""
    with pytest.raises(ConfigurationError, match="No such file"):
        read(tmp_path / "requirements.txt")


def test_a_link_to_itself_is_told(tmp_path: Path) -> None:
    """It leads to no file."""
    (tmp_path / "requirements.txt").symlink_to("requirements.txt")

    with pytest.raises(ConfigurationError, match="symbolic links"):
        read(tmp_path / "requirements.txt")

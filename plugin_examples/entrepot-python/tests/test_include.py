"""The option `include`."""

from __future__ import annotations

import pytest
from packaging.utils import canonicalize_name

from entrepot.plugin import ConfigurationError
from entrepot_python.include import parse_include, version_of


@pytest.mark.parametrize(
    ("include", "project", "version", "admitted"),
    [
        (["attrs"], "attrs", "20.1", True),
        (["attrs"], "attrs", None, True),
        (["attrs"], "pluggy", "1.0", False),
        (["attrs>=23"], "attrs", "22.2", False),
        (["attrs>=23"], "attrs", "23.1", True),
        (["attrs>=23"], "attrs", "24.1rc1", True),
        (["attrs>=23"], "attrs", None, False),
        (["attrs>=23"], "attrs", "not a version", False),
        (["attrs<20", "ATTRS>=23"], "attrs", "19.1", True),
        (["attrs<20", "attrs>=23"], "attrs", "21.1", False),
        (["My_Project"], "my-project", "1", True),
        (["*"], "anything", None, True),
    ],
)
def test_requirements_say_which_versions_are_included(
    include: list[str], project: str, version: str | None, admitted: bool
) -> None:
    """Several requirements for one project add up; names are compared in their normal form."""
    assert parse_include(include).admits(canonicalize_name(project), version) is admitted


@pytest.mark.parametrize(
    "include", [[], ["attrs>>1"], ["attrs @ https://x.example/a.whl"], ["attrs[dev]"], ["attrs; os_name == 'nt'"], [""]]
)
def test_what_no_mirror_can_follow_is_refused_with_a_remedy(include: list[str]) -> None:
    """A mirror serves every environment, so markers and extras mean nothing to it."""
    with pytest.raises(ConfigurationError) as caught:
        parse_include(include)

    assert "include" in caught.value.what
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("filename", "version"),
    [
        ("demo-1.0-py3-none-any.whl", "1.0"),
        ("demo_x-1.0+cpu.tar.gz", "1.0+cpu"),
        ("demo-1.0.zip", "1.0"),
        ("demo-1.0-py3.8.egg", None),
        ("demo-1.0.win32.exe", None),
        ("nonsense.whl", None),
    ],
)
def test_a_version_is_told_from_the_name_of_a_file(filename: str, version: str | None) -> None:
    """Old forms do not say it clearly, so nothing is guessed."""
    found = version_of(filename)

    assert (None if found is None else str(found)) == version

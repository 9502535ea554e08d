"""Names, patterns and versions, as include and exclude have them."""

from __future__ import annotations

import pytest
from packaging.utils import canonicalize_name

from entrepot.plugin import ConfigurationError
from entrepot_python.names import admits, parse_names


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
        (["Flask_*"], "flask-login", "1", True),
        (["Flask_*"], "flask", "1", False),
        (["flask-?>=2"], "flask-x", "1.9", False),
        (["flask-? >=2,<3"], "flask-x", "2.9", True),
        (["flask-*>=2", "flask-x"], "flask-x", None, True),
    ],
)
def test_requirements_say_which_versions_are_included(
    include: list[str], project: str, version: str | None, admitted: bool
) -> None:
    """Several requirements for one project add up; names are compared in their normal form."""
    names = parse_names(include, "include")

    assert admits(names.specifiers(canonicalize_name(project)), version) is admitted


@pytest.mark.parametrize(
    "line",
    [
        "attrs>>1",
        "attrs @ https://x.example/a.whl",
        "attrs[dev]",
        "attrs; os_name == 'nt'",
        "",
        "flask-*>>1",
        "fl[a-z]*",
    ],
)
def test_what_no_mirror_can_follow_is_refused_with_a_remedy(line: str) -> None:
    """A mirror serves every environment, so markers and extras mean nothing to it."""
    with pytest.raises(ConfigurationError) as caught:
        parse_names([line], "exclude")

    assert "exclude" in caught.value.what
    assert caught.value.remedy

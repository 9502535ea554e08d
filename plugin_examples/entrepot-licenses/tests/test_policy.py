"""What is allowed, of SPDX expressions."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from entrepot.plugin import ConfigurationError
from entrepot_licenses.policy import LicenseException, LicensesOptions, Policy, canonical, policy_of

PERMISSIVE = ("MIT", "apache-2.0", "BSD-*", "GPL-2.0-only WITH Classpath-exception-2.0", "LicenseRef-Ours")


def policy(**said: Any) -> Policy:
    """The policy that options make."""
    made = policy_of(LicensesOptions(**said))
    assert made is not None
    return made


@pytest.mark.parametrize(
    ("expression", "admitted"),
    [
        ("MIT", True),
        ("mit", True),
        ("Apache-2.0", True),
        ("BSD-3-Clause", True),
        ("GPL-3.0-only", False),
        ("MIT OR GPL-3.0-only", True),
        ("GPL-3.0-only OR MIT", True),
        ("MIT AND GPL-3.0-only", False),
        ("GPL-3.0-only AND MIT", False),
        ("MIT AND (GPL-3.0-only OR Apache-2.0)", True),
        ("GPL-3.0-only OR MIT AND AGPL-3.0-only", False),
        ("MIT OR GPL-3.0-only AND AGPL-3.0-only", True),
        ("(MIT OR GPL-3.0-only) AND AGPL-3.0-only", False),
        ("GPL-2.0-only WITH Classpath-exception-2.0", True),
        ("GPL-2.0-only", False),
        ("Apache-2.0 WITH LLVM-exception", True),
        ("Apache-2.0+", True),
        ("LicenseRef-Ours", True),
        ("LicenseRef-Theirs", False),
    ],
)
def test_one_side_of_or_and_both_sides_of_and_must_be_allowed(expression: str, admitted: bool) -> None:
    """AND binds tighter than OR; an exception grants more, so its licence alone allows it."""
    spelt = canonical(expression)

    assert spelt is not None
    assert policy(allow=PERMISSIVE).admits(spelt) is admitted


@pytest.mark.parametrize(
    "expression", ["(MIT) WITH GCC-exception-3.1", "MIT WITH GCC-exception-3.1 WITH GCC-exception-3.1"]
)
def test_what_is_not_understood_to_its_end_is_not_allowed(expression: str) -> None:
    """Whoever calls it canonical."""
    assert not policy(allow=PERMISSIVE).admits(expression)


@pytest.mark.parametrize(
    ("expression", "admitted"),
    [
        ("MIT", True),
        ("AGPL-3.0-or-later", False),
        ("AGPL-3.0", False),
        ("GPL-3.0", False),
        ("GPL-3.0+", True),
        ("GPL-3.0-only WITH GCC-exception-3.1", False),
        ("MIT OR AGPL-3.0-only", True),
        ("MIT AND AGPL-3.0-only", False),
    ],
)
def test_what_is_not_denied_is_admitted_where_nothing_is_allowed_by_name(expression: str, admitted: bool) -> None:
    """The older names of the GNU licences are the same licences."""
    spelt = canonical(expression)

    assert spelt is not None
    assert policy(deny=("AGPL-*", "GPL-3.0-only")).admits(spelt) is admitted


@pytest.mark.parametrize("text", ["", "BSD", "Apache 2.0", "MIT OR", "(MIT", "MIT" + " OR MIT" * 500, "(" * 300])
def test_what_is_no_expression_is_unknown(text: str) -> None:
    """Nor is what nobody would write, and what costs to read."""
    assert canonical(text) is None


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ({"allow": ("MIT License",)}, "'MIT License' in allow"),
        ({"deny": ("MIT OR ISC",)}, "more than one licence"),
        ({"allow": ("MIT",), "deny": ("mit",)}, "both allowed and denied"),
        ({"allow": ("MIT",), "means": {"BSD License": "BSD"}}, "'BSD' in means"),
        ({"label": False}, "no rules"),
        ({"means": {"BSD License": "BSD-3-Clause"}}, "no rules"),
    ],
)
def test_a_policy_that_says_nothing_sensible_is_refused(said: dict[str, Any], named: str) -> None:
    """Before anything is fetched."""
    with pytest.raises(ConfigurationError, match=named):
        policy_of(LicensesOptions(**said))


def test_no_rules_are_no_policy() -> None:
    """A repository whose configuration is silent is left alone."""
    assert policy_of(LicensesOptions()) is None
    assert policy_of(LicensesOptions(unknown="allow")) is not None


@pytest.mark.parametrize(
    ("name", "found"), [("demo", True), ("Demo-1.0*", True), ("dem", False), ("demo-2*", False), ("demo==1.0", True)]
)
def test_an_exception_names_a_project_or_its_files_until_its_day(name: str, found: bool) -> None:
    """It lasts through its last day, and no longer."""
    last = datetime.date(2030, 1, 31)
    exception = LicenseException(name, "we bought it", last)
    names = ("demo", "demo-1.0.tar.gz", "demo==1.0")
    made = policy(allow=("MIT",), exceptions=(exception,))

    assert (made.exception(names, last) is exception) is found
    assert made.exception(names, last + datetime.timedelta(days=1)) is None

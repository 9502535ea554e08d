"""What the configuration allows and denies, asked of SPDX expressions."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Literal

import attrs
from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

from entrepot.plugin import ConfigurationError

#: Longer expressions are taken for unknown: nobody writes them, and reading them costs.
_LONGEST = 1000
_GNU = re.compile(r"\b((?:AGPL|LGPL|GPL|GFDL)-\d\.\d)(\+?)(?![\w.+-])")


@attrs.frozen
class LicenseException:
    """A package let through whatever its licence, by any of its names; `*` stands for any letters."""

    name: str
    reason: str
    until: datetime.date


@attrs.frozen
class LicensesOptions:
    """What `[repositories.NAME.plugins.licenses]` may say.

    Licences are SPDX identifiers; `*` stands for any letters. With `allow`, what it does not name
    is denied. `means` gives words that name no one licence, in a classifier or a free text, an expression.
    """

    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    unknown: Literal["refuse", "allow"] = "refuse"
    means: Mapping[str, str] = attrs.field(factory=dict)
    exceptions: tuple[LicenseException, ...] = ()
    label: bool = True


@attrs.frozen
class Policy:
    """Options that were read and hold; made with `policy_of`."""

    options: LicensesOptions
    allow: tuple[str, ...]
    deny: tuple[str, ...]
    means: Mapping[str, str]

    def admits(self, expression: str) -> bool:
        """Whether an expression in canonical form can be met with licences that are allowed.

        One side of OR must be, both sides of AND. An entry for `X WITH Y` goes before one for `X`.
        """
        tokens = re.findall(r"[()]|[^\s()]+", expression)[::-1]
        # Older versions of packaging let "(MIT) WITH X" pass: what is not understood is not allowed.
        return self._either(tokens) and not tokens

    def exception(self, names: Iterable[str], today: datetime.date) -> LicenseException | None:
        """The exception that lets through what goes by these names, while it lasts."""
        known = [name.lower() for name in names]
        for exception in self.options.exceptions:
            if today <= exception.until and any(fnmatchcase(name, exception.name.lower()) for name in known):
                return exception
        return None

    def _either(self, tokens: list[str]) -> bool:
        holds = self._both(tokens)
        while tokens and tokens[-1] == "OR":
            tokens.pop()
            holds = self._both(tokens) or holds
        return holds

    def _both(self, tokens: list[str]) -> bool:
        holds = self._one(tokens)
        while tokens and tokens[-1] == "AND":
            tokens.pop()
            holds = self._one(tokens) and holds
        return holds

    def _one(self, tokens: list[str]) -> bool:
        license_ = tokens.pop()
        if license_ == "(":
            holds = self._either(tokens)
            tokens.pop()
            return holds
        names = [license_, license_.removesuffix("+")]
        if tokens and tokens[-1] == "WITH":
            tokens.pop()
            names.insert(0, f"{license_} WITH {tokens.pop()}")
        for name in names:
            for entries, verdict in ((self.deny, False), (self.allow, True)):
                if any(fnmatchcase(name, entry) for entry in entries):
                    return verdict
        return not self.allow


def canonical(expression: str) -> str | None:
    """Write an SPDX expression in the one way that policies compare; None when it is none."""
    if len(expression) > _LONGEST:
        return None
    try:
        spelt = canonicalize_license_expression(expression)
    except InvalidLicenseExpression:
        return None
    # "GPL-3.0" is the older name of "GPL-3.0-only": a rule for one must meet the other.
    return _GNU.sub(lambda found: f"{found[1]}-{'or-later' if found[2] else 'only'}", spelt)


def policy_of(options: LicensesOptions) -> Policy | None:
    """Check the options; None where they ask for nothing."""
    if not (options.allow or options.deny or options.unknown == "allow"):
        if options != LicensesOptions():
            raise ConfigurationError(
                "the options have no rules, so nothing is allowed or denied",
                remedy='set allow = ["MIT", ...] or deny = ["AGPL-*", ...]; unknown = "allow" alone only labels',
            )
        return None
    means = {words.casefold(): _expression(said, "means") for words, said in options.means.items()}
    allow, deny = (tuple(_entry(entry, key) for entry in getattr(options, key)) for key in ("allow", "deny"))
    if both := set(allow) & set(deny):
        raise ConfigurationError(f"{min(both)!r} is both allowed and denied", remedy="take it out of allow or deny")
    return Policy(options, allow, deny, means)


def _entry(entry: str, key: str) -> str:
    if "*" in entry:
        return entry
    spelt = _expression(entry, key)
    if re.search(r" (AND|OR) ", spelt):
        raise ConfigurationError(f"{entry!r} in {key} is more than one licence", remedy="list licences one by one")
    return spelt


def _expression(said: str, key: str) -> str:
    spelt = canonical(said)
    if spelt is None:
        raise ConfigurationError(
            f"{said!r} in {key} is no SPDX licence",
            remedy='write an identifier of spdx.org/licenses, such as "MIT", or "LicenseRef-NAME" for one of your own',
        )
    return spelt

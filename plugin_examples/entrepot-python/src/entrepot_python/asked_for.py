"""Which project a client asks for, so that one that is not mirrored yet can be fetched."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from packaging.utils import canonicalize_name

from entrepot_python.options import PythonOptions
from entrepot_python.selection import parse_selection

#: A page of a project, by its normalized name (PEP 503), in the simple API or the older JSON.
_PAGE: Final = re.compile(r"(simple|pypi)/([a-z0-9]+(?:-[a-z0-9]+)*)(/?|/json)", re.ASCII)

#: Longer names than any index has.
_LONGEST: Final = 200


def asked_for(options: PythonOptions) -> Callable[[str], str | None]:
    """Make what tells the project of a path; None for what is excluded, or is no project's page.

    Clients ask by normalized names; whatever else somebody writes is no name that an index is asked for.
    """
    exclude = parse_selection(options, pull_through=True).exclude

    def project_of(path: str) -> str | None:
        found = _PAGE.fullmatch(path)
        if found is None or len(found[2]) > _LONGEST:
            return None
        kind, project, end = found.groups()
        if (kind == "pypi") != (end == "/json") or (kind == "pypi" and not options.legacy_json):
            return None
        return None if exclude.whole(canonicalize_name(project)) else project

    return project_of

"""Writes the reference pages from the code: run by `conf.py` on each build, or by hand.

python docs/reference/write_reference.py FOLDER
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from commands_page import commands_page
from errors_page import errors_page
from hooks_page import hooks_page
from public_api_page import public_api_page
from settings_page import settings_page
from stages_page import stages_page

PAGES: dict[str, Callable[[], str]] = {
    "commands": commands_page,
    "errors": errors_page,
    "hooks": hooks_page,
    "public-api": public_api_page,
    "settings": settings_page,
    "stages": stages_page,
}


def write_reference(folder: Path) -> None:
    """Write every page; a page that did not change is left alone, so that builds stay quick."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, page in PAGES.items():
        path, text = folder / f"{name}.md", page()
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write_reference(Path(sys.argv[1]))

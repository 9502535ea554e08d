"""How Sphinx builds these pages; the reference is written anew from the code each time."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "reference"))

from write_reference import write_reference  # noqa: E402  (lies beside this file, not in a package)

write_reference(HERE / "reference" / "generated")

project = "entrepot"
author = "the entrepot authors"
copyright = author  # noqa: A001  (the name that Sphinx reads)
html_title = "entrepot"
html_theme = "furo"
extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build", "decisions/template.md"]
nitpicky = True
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

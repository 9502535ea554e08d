"""Whether the second type checker finds the mistakes that are marked, and no others; mypy says so itself.

python tests/typing/expected_mistakes.py
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

CODE = Path(__file__).parent / "plugin_code.py"


def marked() -> set[int]:
    """The lines that are said to hold a mistake."""
    lines = CODE.read_text(encoding="utf-8").splitlines()
    return {number for number, line in enumerate(lines, 1) if "# type: ignore[" in line}


def found() -> set[int]:
    """The lines that it objects to when nothing keeps it from that."""
    command = ["pyrefly", "check", "--enabled-ignores", "pyrefly", "--summary=none", "--output-format", "json"]
    told = subprocess.run([*command, str(CODE)], stdout=subprocess.PIPE, check=False).stdout
    return {error["line"] for error in json.loads(told)["errors"] if error["severity"] == "error"}


if __name__ == "__main__":
    if not marked() or found() != marked():
        sys.exit(f"{CODE.name}: marked lines {sorted(marked())}, and found {sorted(found())}")

"""Try the wheels as those who install them: `python tests/downstream.py [EXAMPLE ...]`.

Builds a wheel of the core and of every example. Then, one example after the other: makes an environment outside of the
checkout, installs the example with what its extra `test` asks for, copies its tests there, and runs them. What a wheel
lacks, or what a distribution uses without asking for it, fails here and nowhere else.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from source_tree import ROOT, example_folders

PROJECT = ROOT / "pyproject.toml"
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
#: Imported by pytest in the environment itself: tests that read the checkout would prove nothing about a wheel.
CONFTEST = """\
import sys
from importlib import import_module
from pathlib import Path

for name in ("entrepot", "entrepot.testing", {module!r}):
    place = Path(import_module(name).__file__).resolve()
    if not place.is_relative_to(Path(sys.prefix).resolve()):
        raise ImportError(f"{{name}} is imported from {{place}}, which is not installed in {{sys.prefix}}")
"""


def main(examples: list[str]) -> int:
    """Try each example, or those that are named; return how many fail."""
    known = [folder.name for folder in example_folders()]
    if unknown := set(examples) - set(known):
        print(f"error: no example is called {', '.join(sorted(unknown))}; there are {', '.join(known)}")  # noqa: T201
        return 2
    with tempfile.TemporaryDirectory(prefix="downstream-") as name:
        place = Path(name).resolve()
        if place.is_relative_to(ROOT):
            print(f"error: {place} is in the checkout; set TMPDIR to a folder outside")  # noqa: T201
            return 2
        wheels = build(place / "wheels")
        failed = [example for example in examples or known if try_out(example, wheels, place / example)]
    for example in failed:
        print(f"failed: {example}")  # noqa: T201
    return len(failed)


def build(folder: Path) -> dict[str, Path]:
    """Build a wheel of each distribution; return them by name."""
    for source in (ROOT, *example_folders()):
        run("uv", "build", "--quiet", "--wheel", "--out-dir", str(folder), str(source))
    return {wheel.name.partition("-")[0].replace("_", "-"): wheel for wheel in folder.glob("*.whl")}


def try_out(example: str, wheels: dict[str, Path], place: Path) -> int:
    """Run the tests of one example against its wheel in a clean environment; return pytest's exit code."""
    shutil.copytree(ROOT / "plugin_examples" / example / "tests", place / "tests")
    (place / "conftest.py").write_text(CONFTEST.format(module=example.replace("-", "_")), encoding="utf-8")
    (place / "pytest.ini").write_text(configuration(), encoding="utf-8")
    constraints = place / "ours.txt"
    constraints.write_text("".join(f"{name} @ {wheel.as_uri()}\n" for name, wheel in wheels.items()), encoding="utf-8")
    python = place / "venv" / "bin" / "python"
    run("uv", "venv", "--quiet", "--python", PYTHON, str(place / "venv"))
    wanted = f"{example}[test] @ {wheels[example].as_uri()}"
    run("uv", "pip", "install", "--quiet", "--python", str(python), "--constraints", str(constraints), wanted)
    print(f"-- {example}", flush=True)  # noqa: T201
    command = [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "not clients and not slow", "tests"]
    return subprocess.run(command, cwd=place, env=clean_environment(), check=False).returncode


def configuration() -> str:
    """Write down how our tests are run anywhere, without what is so of the checkout alone."""
    options = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["tool"]["pytest"]["ini_options"]
    lines = ["[pytest]"]
    for name, value in options.items():
        if name not in ("testpaths", "pythonpath"):
            told = "".join(f"\n    {line}" for line in value) if isinstance(value, list) else value
            lines.append(f"{name} = {told}")
    return "\n".join(lines) + "\n"


def clean_environment() -> dict[str, str]:
    """Leave out what would lead Python back to the checkout, or to the environment this runs in."""
    leads_back = re.compile("PYTHON(PATH|HOME)|PYTEST_.*|VIRTUAL_ENV|TOX_.*")
    return {name: value for name, value in os.environ.items() if not leads_back.fullmatch(name)}


def run(*command: str) -> None:
    """Run a command that has to succeed."""
    subprocess.run(command, check=True, env=clean_environment())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

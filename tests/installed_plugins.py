"""Installed plugins as importlib finds them: a folder with modules and their `.dist-info`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from entrepot.hooks.manager import Plugins
from entrepot.hooks.record import PluginRecord
from entrepot.hooks.specs import hookimpl


class Builtin:
    """The least that core could ship."""

    @hookimpl
    def entrepot_register_storages(self) -> dict[str, type[dict[str, bytes]]]:
        """A storage that keeps nothing for long."""
        return {"memory": dict}


GOOD = """
import attrs
from entrepot.hooks.specs import hookimpl
from entrepot.model.content import Content, key

@attrs.frozen
class Image(Content):
    TYPE = "firmware.image"
    name: str = key()

@hookimpl
def entrepot_register_content_types():
    return [Image]
"""


def install(
    folder: Path,
    distribution: str,
    source: str,
    *,
    name: str = "",
    requires: Sequence[str] = (),
    points: Sequence[tuple[str, str]] = (),
) -> str:
    """Write what an installer would; the module is named for the distribution, and so is the plugin."""
    module = distribution.replace("-", "_")
    info = folder / f"{module}-1.2.dist-info"
    info.mkdir(parents=True)
    needs = "".join(f"Requires-Dist: {line}\n" for line in requires)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.2\n{needs}")
    lines = points or [(name or distribution, module)]
    (info / "entry_points.txt").write_text("[entrepot]\n" + "".join(f"{key} = {value}\n" for key, value in lines))
    (folder / f"{module}.py").write_text(source)
    return module


@contextmanager
def importable(*folders: Path) -> Iterator[None]:
    """Install the folders, found in the order given, and forget their modules afterwards."""
    before, modules = list(sys.path), set(sys.modules)
    sys.path[:0] = map(str, folders)
    try:
        yield
    finally:
        sys.path[:] = before
        for module in set(sys.modules) - modules:
            if Path(getattr(sys.modules[module], "__file__", None) or "/").parent in folders:
                del sys.modules[module]


def found_in(*folders: Path, blocked: Sequence[str] = ()) -> Plugins:
    """Load what is installed, the folders included."""
    with importable(*folders):
        return Plugins.load(blocked=blocked, builtin=Builtin())


def with_plugins(*extra: tuple[str, object], blocked: Sequence[str] = ()) -> Plugins:
    """Load these plugins alone, without looking at what is installed."""
    return Plugins.load(blocked=blocked, builtin=Builtin(), extra=extra, installed=False)


def record_of(plugins: Plugins, name: str) -> PluginRecord:
    """What is known of one plugin."""
    (found,) = [record for record in plugins.records if record.name == name]
    return found

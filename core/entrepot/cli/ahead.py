"""Importing what is going to be needed, while something else is done."""

from __future__ import annotations

import importlib
import threading
from contextlib import suppress


def import_beside(module: str) -> None:
    """Import it in a thread: its files and certificates are read while this one goes on.

    Nobody waits for it. What fails here fails again for whoever needs the module, and is told there.
    """
    threading.Thread(target=_import, args=(module,), name="entrepot-import", daemon=True).start()


def _import(module: str) -> None:
    with suppress(ImportError):
        importlib.import_module(module)

"""Importing what is going to be needed, while something else is done."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def imported_beside(module: str) -> Iterator[None]:
    """Import it in a thread: its files and certificates are read while the block goes on.

    The block waits for it only at its end: a thread that loads a library while the interpreter is
    being taken down crashes it. For the same reason it is no daemon: an interrupted wait is taken
    up again as the process ends. What fails here fails again for whoever needs the module, and is
    told there.
    """
    thread = threading.Thread(target=_import, args=(module,), name="entrepot-import", daemon=False)
    thread.start()
    try:
        yield
    finally:
        thread.join()


def _import(module: str) -> None:
    with suppress(ImportError):
        importlib.import_module(module)

"""The reference page of errors, from the classes themselves."""

from __future__ import annotations

import importlib
import pkgutil

import entrepot
from entrepot.errors import EntrepotError
from pieces import code, page, place, summary, table

EXIT_CODES = {
    0: "done, or nothing to do",
    1: "done, with failures that were reported",
    2: "usage or configuration",
    3: "upstream",
    4: "integrity",
    5: "catalog or storage",
    130: "interrupted",
}


def errors_page() -> str:
    """Tell the exit codes, and for each class what it means, what it is a kind of and where it is written."""
    rows = [
        [code(error.__name__), summary(error), code(str(error.exit_code)), _kind(error), place(error)]
        for error in sorted(_errors(), key=lambda error: (error.exit_code, error.__name__))
    ]
    return page(
        "Errors and exit codes",
        "Every error that entrepot raises on purpose is an `EntrepotError`: it says *what* happened, *where*, and a"
        " *remedy* that one can type. Several at once are an `ExceptionGroup`. The command line prints these three"
        " sentences, without a traceback unless `--debug` is given, and ends with the error's exit code.",
        table(["exit code", "means"], [[code(str(number)), text] for number, text in EXIT_CODES.items()]),
        table(["error", "meaning", "exit code", "a kind of", "written in"], rows),
    )


def _errors() -> set[type[EntrepotError]]:
    for module in pkgutil.walk_packages(entrepot.__path__, "entrepot."):
        if not module.name.startswith("entrepot.testing") and not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    found: set[type[EntrepotError]] = set()
    pending: list[type[EntrepotError]] = [EntrepotError]
    while pending:
        error = pending.pop()
        found.add(error)
        pending.extend(error.__subclasses__())
    return {error for error in found if error.__module__.startswith("entrepot.")}


def _kind(error: type[EntrepotError]) -> str:
    return "" if error is EntrepotError else code(error.__mro__[1].__name__)

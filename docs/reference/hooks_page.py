"""The reference page of hooks, from the docstrings of their specifications."""

from __future__ import annotations

import inspect

from entrepot.hooks import specs
from pieces import code, details, page, summary, table


def hooks_page() -> str:
    """Tell each hook's signature, and what its specification promises."""
    hooks = {name: hook for name, hook in _written(specs).items() if name.startswith("entrepot_")}
    rows = [[f"[`{name}`](#{name.replace('_', '-')})", summary(hook)] for name, hook in hooks.items()]
    return page(
        "Hooks",
        "A plugin is a package with an entry point in the group `entrepot`; the module or object that it names answers"
        " any of these hooks, each marked with `@hookimpl`. A hook may take fewer arguments than it is offered. Hooks"
        " configure: they are asked when plugins are loaded or a plan is assembled, never once for each unit.",
        table(["hook", "gives"], rows),
        *(_section(name, hook) for name, hook in hooks.items()),
    )


def _written(module: object) -> dict[str, object]:
    found = dict(vars(module))
    for value in list(found.values()):
        if inspect.isclass(value) and value.__module__ == specs.__name__:
            found.update(vars(value))
    return {name: value for name, value in found.items() if inspect.isfunction(value)}


def _section(name: str, hook: object) -> str:
    arguments = ", ".join(argument for argument in inspect.signature(hook).parameters if argument != "self")  # type: ignore[arg-type]  # _written keeps functions alone
    body = f"```text\n{details(hook)}\n```" if details(hook) else ""
    return f"## {name}\n\n{code(f'{name}({arguments})')}\n\n{summary(hook)}\n\n{body}"

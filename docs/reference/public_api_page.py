"""The reference page of what plugins and their tests import, from the promised modules themselves."""

from __future__ import annotations

from pieces import code, page, table
from public_names import MODULES, PublicName, public_names


def public_api_page() -> str:
    """Tell each promised name: what it is, what it takes, and what its docstring says."""
    return page(
        "Public names",
        "What is on this page is promised: these names, from these modules, with these arguments. Everything else may"
        " change without a word. A change of this list fails a test until it is written down.",
        table(["module", "for"], [[code(module), use] for module, use in MODULES.items()]),
        *(part for module in MODULES for part in _module(module)),
    )


def _module(module: str) -> list[str]:
    return [f"## {module}", *(_section(name) for name in public_names(module))]


def _section(one: PublicName) -> str:
    head, _, rest = one.says.partition("\n\n")
    body = f"```text\n{rest}\n```" if rest else ""
    members = table(["", "says"], [[code(f"{each.name}{each.signature}"), _short(each.says)] for each in one.members])
    parts = [f"### {one.name}", f"```text\n{one.kind} {one.name}{one.signature}\n```", " ".join(head.split()), body]
    return "\n\n".join([part for part in parts if part] + ([members] if one.members else []))


def _short(says: str) -> str:
    return " ".join(says.partition("\n\n")[0].split())

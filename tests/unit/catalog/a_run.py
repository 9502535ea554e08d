"""A sync in a process of its own, to be stopped and killed: python a_run.py URL LOCKS TERM [NAME].

Declares members batch after batch, one for each line it is sent, and says what came of it.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from entrepot.catalog.catalog import Catalog
from entrepot.errors import EntrepotError
from unit.catalog.saying import a_run, declare, page, said


def tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def main(url: str, locks: str, term: str, name: str = "tools") -> None:
    catalog = Catalog.open(url, locks=Path(locks), term=float(term))
    ledger = await catalog.begin(a_run(name))
    tell("begun")
    for number, order in enumerate(sys.stdin):
        try:
            await declare(ledger, *(said(f"{number}-{unit}", "from the child") for unit in range(100)))
            await declare(ledger, said("a", "from the child"))
            await ledger.publish([page("index", "from the child"), page(str(number), "from the child")])
            if order.strip() == "complete":
                await ledger.remove_undeclared()
                await ledger.complete(fingerprint="", report={})
            tell("done")
        except EntrepotError as error:
            tell(type(error).__name__)


asyncio.run(main(*sys.argv[1:]))

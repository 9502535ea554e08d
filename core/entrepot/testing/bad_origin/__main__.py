"""Runs a scripted upstream until it is interrupted: python -m entrepot.testing.bad_origin SCRIPT.toml.

The first line on standard output is the address; each request is a line of JSON after it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from entrepot.errors import ConfigurationError
from entrepot.testing.bad_origin import BadOrigin
from entrepot.testing.bad_scripts import Script


def main(arguments: Sequence[str], out: TextIO, err: TextIO) -> int:
    """Serve until SIGINT, and return the exit code: 2 when the script cannot be used."""
    parser = argparse.ArgumentParser("python -m entrepot.testing.bad_origin", description="serve badly, as scripted")
    parser.add_argument("script", type=Path, help="a TOML file: see the page on misbehaving upstreams")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--host", default="127.0.0.1")
    given = parser.parse_args(arguments)
    try:
        script = Script.load(given.script)
    except (ConfigurationError, ExceptionGroup) as error:
        for mistake in error.exceptions if isinstance(error, ExceptionGroup) else [error]:
            print(f"error: {mistake}", file=err)
        return ConfigurationError.exit_code
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(script, given.host, given.port, out))
    return 0


async def _serve(script: Script, host: str, port: int, out: TextIO) -> None:
    def tell(request: Mapping[str, Any]) -> None:
        print(json.dumps(request), file=out, flush=True)

    async with BadOrigin(host=host, port=port, log=tell) as origin:
        origin.play(script)
        print(origin.url(), file=out, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], sys.stdout, sys.stderr))

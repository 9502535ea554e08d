"""Look for damaged, missing and foreign files."""

from __future__ import annotations

import secrets

import click

from entrepot.cli.figures import amount, counted, size
from entrepot.cli.invocation import Invocation
from entrepot.cli.looking import Looking
from entrepot.cli.names import name_argument
from entrepot.cli.options import Command
from entrepot.cli.output import Output, visible
from entrepot.errors import ConfigurationError
from entrepot.operations.reference import Reference
from entrepot.operations.verify import Damaged, Found, Verified, verify

_LARGEST_SEED = 2**32


def _share(_: click.Context, parameter: click.Parameter, value: str | None) -> float:
    """Read `5%`."""
    if value is None:
        return 1.0
    try:
        share = float(value.removesuffix("%")) / 100
    except ValueError:
        share = 0.0
    if not value.endswith("%") or not 0 < share <= 1:
        raise ConfigurationError(
            f"{value!r} is no share of the files", where=parameter.opts[0], remedy="write --sample 5%"
        )
    return share


@click.command("verify", cls=Command, short_help="Look for damaged, missing and foreign files.")
@name_argument("reference", required=False, metavar="[NAME[@N]]")
@click.option("--sample", metavar="SHARE", callback=_share, help="Read only a part of the files, such as 5%.")
@click.option("--seed", type=click.IntRange(0, _LARGEST_SEED), help="Draw the same sample as an earlier run did.")
@click.pass_obj
def command(invocation: Invocation, reference: str | None, *, sample: float, seed: int | None) -> int:
    """Read all files of the storage, or of one repository or version, and compare them with the catalog.

    Nothing is changed, and syncs, servers and prunes may run meanwhile. Files that were never
    fetched are not missing. Without a name, files that nothing in the catalog names are told too.
    Exit code: 0 when all is well, 4 when something is damaged or foreign. Mend it: entrepot repair.
    """
    output = Output(invocation)
    seen = Verified(seed=secrets.randbelow(_LARGEST_SEED) if seed is None else seed, share=sample)
    looking = Looking(quiet=output.is_json)
    with invocation.depot() as depot:
        wanted = Reference.parse(reference) if reference is not None else None
        for found in verify(depot, wanted, seen=seen, progress=looking.tell):
            looking.clear()
            output.line(found.to_json())
            output.say(_told(found))
    looking.clear()
    output.line(seen.to_json())
    output.say(_summary(seen))
    return seen.exit_code


def _told(found: Found) -> str:
    if isinstance(found, Damaged):
        return f"damaged ({found.kind}): sha256:{found.sha256.hex()}, needed by {', '.join(found.repositories) or '-'}"
    return f"foreign ({found.kind}): {visible(found.path)}"


def _summary(seen: Verified) -> str:
    checked = f"{counted(seen.checked, 'file', 'files')} of {size(seen.octets)}"
    if seen.share < 1:
        everything = seen.checked + seen.passed_over
        checked += f" out of {amount(everything)} (--sample {100 * seen.share:.4g}% --seed {seen.seed})"
    told = f"{checked}, {counted(seen.bodies, 'page', 'pages')}: {seen.damaged} damaged, {seen.foreign} foreign"
    if seen.unclaimed:
        told += f", {seen.unclaimed} unclaimed (free them: entrepot prune)"
    return f"{told}; mend it: entrepot repair" if seen.damaged else told

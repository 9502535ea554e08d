"""Errors as a person reads them, and the exit code that goes with each."""

from __future__ import annotations

import traceback
from collections.abc import Iterator

import click

from entrepot.cli.output import visible
from entrepot.errors import DepotError, EntrepotError, Failed, Interrupted, TooLittleMemory, did_you_mean

USAGE = 2


def tell(error: BaseException, *, debug: bool) -> int:
    """Print everything that went wrong, and return the gravest exit code.

    What went wrong many times in the same way, as everything does on a full disk, is printed once.
    """
    alike: dict[tuple[type, str, str], list[tuple[BaseException, EntrepotError]]] = {}
    for single in {id(single): single for single in singles(error)}.values():  # groups may share their errors
        told = in_our_words(single)
        alike.setdefault(_trouble(told), []).append((single, told))
    for (single, told), *more in alike.values():
        click.echo(f"error: {visible(str(told))}", err=True)
        if more:
            click.echo(f"  times:  {len(more) + 1}", err=True)
        if debug:
            click.echo("".join(traceback.format_exception(single)), err=True)
    return max(exit_code(told) for same in alike.values() for _, told in same)


def singles(error: BaseException) -> Iterator[BaseException]:
    """Take groups apart."""
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from singles(inner)
    else:
        yield error


def _trouble(error: EntrepotError) -> tuple[type, str, str]:
    """What is the same in errors that differ only by the unit that met them, where the trouble is ours."""
    if isinstance(error, Failed) and isinstance(error.cause, DepotError):
        error = error.cause
    return type(error), error.what, error.remedy


def exit_code(error: EntrepotError) -> int:
    """The code of what went wrong underneath, for a unit that was given up on."""
    return error.code if isinstance(error, Failed) else error.exit_code


def in_our_words(error: BaseException) -> EntrepotError:
    """Word what is not ours the way we word our own: what, where, remedy."""
    match error:
        case EntrepotError():
            return error
        case click.ClickException():
            return _UsageError(*_usage(error))
        case KeyboardInterrupt() | click.Abort():
            return Interrupted("interrupted", remedy="run the same command again: it goes on from here")
        case _ if (lacking := TooLittleMemory.behind(error)) is not None:
            return lacking
        case _:
            return EntrepotError(
                f"this should not have happened: {type(error).__name__}: {error}",
                remedy="run again with --debug for the traceback, and report it",
            )


class _UsageError(EntrepotError):
    """The command line cannot be understood."""

    exit_code = USAGE


def _usage(error: click.ClickException) -> tuple[str, str, str]:
    context = error.ctx if isinstance(error, click.UsageError) else None
    command = context.command_path if context is not None else "entrepot"
    what = error.format_message()
    if isinstance(error, click.NoSuchOption):
        what = f"there is no option {error.option_name!r}{did_you_mean(error.option_name, _options(context))}"
    elif isinstance(error, click.MissingParameter) and error.param is not None:
        kind = "option" if isinstance(error.param, click.Option) else "argument"
        what = f"{kind} {error.param.get_error_hint(context) if context else error.param.name} is missing"
    first, rest = what[:1], what[1:]
    return (first.lower() + rest).rstrip(". "), command, f"{command} --help"


def _options(context: click.Context | None) -> list[str]:
    if context is None:
        return []
    parameters = context.command.get_params(context)
    return [name for option in parameters if isinstance(option, click.Option) for name in option.opts]

"""What this plugin registers with entrepot."""

from __future__ import annotations

import atexit
import datetime
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from entrepot.plugin import Edit, EntrepotError, RunContext, SyncOutcome, hookimpl
from entrepot_webhook.deliver import deliver
from entrepot_webhook.options import Event, WebhookOptions
from entrepot_webhook.outbox import Outbox


@hookimpl
def entrepot_edit_plan(context: RunContext) -> Sequence[Edit]:
    """Mistakes in the options end a sync before it begins; the plan stays as it is."""
    _options(context)
    return []


@hookimpl
def entrepot_on_sync_started(context: RunContext) -> None:
    """What an earlier run left behind is delivered beside the sync."""
    _in_background(context)


@hookimpl
def entrepot_on_sync_finished(context: RunContext, outcome: SyncOutcome | BaseException) -> None:
    """The message is kept first, and delivered while the program goes on."""
    options, event = _options(context), event_of(outcome)
    if options.outbox is not None and event in options.events:
        _outbox(context, options.outbox).add(payload_of(context.repository.name, outcome))
        _in_background(context)


@hookimpl
def entrepot_register_commands(group: click.Group) -> None:
    """`entrepot webhook OUTBOX`."""
    group.add_command(webhook)


@click.command("webhook", short_help="Show the messages that are not delivered yet.")
@click.argument("outbox", type=click.Path(exists=True, file_okay=False, path_type=Path))
def webhook(outbox: Path) -> None:
    """Show the messages that are not delivered yet, by repository; the next sync of each tries again."""
    for folder in sorted(path for path in outbox.iterdir() if path.is_dir()):
        for message in Outbox(folder).pending():
            click.echo(f"{folder.name}  {message.id}  {message.age:.0f} s old")


def event_of(outcome: SyncOutcome | BaseException) -> Event | None:
    """What a receiver may ask to be told; somebody who cancels a sync knows that already."""
    if isinstance(outcome, SyncOutcome):
        return "version" if outcome.version is not None else "unchanged"
    return "failed" if isinstance(outcome, Exception) else None


def payload_of(repository: str, outcome: SyncOutcome | BaseException) -> dict[str, Any]:
    """What a message says, in version 1 of its format: keys may be added, none changes its meaning."""
    if isinstance(outcome, SyncOutcome):
        data = {name: value for name, value in outcome.to_json().items() if name != "event"}
    else:
        what = outcome.what if isinstance(outcome, EntrepotError) else "see the log of the sync"
        data = {"repository": repository, "error": type(outcome).__name__, "what": what}
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    return {"format": 1, "type": f"sync.{event_of(outcome)}", "timestamp": now, "data": data}


def _options(context: RunContext) -> WebhookOptions:
    return context.plugin_options("webhook", WebhookOptions)


def _outbox(context: RunContext, place: Path) -> Outbox:
    return Outbox(place / context.repository.name)


def _in_background(context: RunContext) -> None:
    """Deliver in a thread; at its end the program waits for it, but no longer than `within` allows."""
    options = _options(context)
    if options.outbox is None or not (outbox := _outbox(context, options.outbox)).folder.is_dir():
        return
    thread = threading.Thread(target=deliver, args=(outbox, options), name="entrepot-webhook", daemon=True)
    thread.start()
    atexit.register(_wait_for, thread, time.monotonic() + options.within.total_seconds())


def _wait_for(thread: threading.Thread, until: float) -> None:
    thread.join(max(0.0, until - time.monotonic()))

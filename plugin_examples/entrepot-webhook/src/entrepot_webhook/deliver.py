"""Delivering messages: signed as Standard Webhooks says, tried again, never to another address."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import logging
import random
import time
from collections.abc import Callable
from typing import Final
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from entrepot.plugin import safe_url
from entrepot_webhook.options import WebhookOptions, key_of
from entrepot_webhook.outbox import Message, Outbox

log = logging.getLogger(__name__)

_GONE: Final = 410
_PAUSE: Final = 0.5


class _Stay(HTTPRedirectHandler):
    """Goes nowhere else: what was signed for one receiver is not for another."""

    def redirect_request(self, *_: object, **__: object) -> None:
        return None


def signature(key: bytes, message: str, timestamp: int, body: bytes) -> str:
    """What the header `webhook-signature` says; a receiver computes it anew and compares."""
    signed = hmac.new(key, f"{message}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(signed).decode()}"


def deliver(outbox: Outbox, options: WebhookOptions, *, sleep: Callable[[float], None] = time.sleep) -> None:
    """Deliver what is pending, oldest first, until all of it is or the time of this run is over.

    A message that cannot be delivered stays, and so do those after it: a receiver gets them in order.
    """
    until = time.monotonic() + options.within.total_seconds()
    if not outbox.folder.is_dir():
        return
    with outbox.held(until) as ours:
        for message in outbox.pending() if ours else []:
            if message.age > options.keep.total_seconds():
                log.warning("message %s could not be delivered in time, and is dropped", message.id)
                message.drop()
            elif not _delivered(message, options, until, sleep):
                return


def _delivered(message: Message, options: WebhookOptions, until: float, sleep: Callable[[float], None]) -> bool:
    told = ""
    for attempt in range(options.attempts):
        if attempt:
            pause = _PAUSE * 2 ** (attempt - 1) * random.uniform(0.5, 1.5)  # noqa: S311  # spreads load, hides nothing
            sleep(max(0.0, min(pause, until - time.monotonic())))
        left = until - time.monotonic()
        if left <= 0:
            break
        told = _post(message, options, min(left, options.timeout.total_seconds()))
        if not told:
            message.drop()
            return True
    log.warning("message %s is kept for the next run: %s", message.id, told or "there was no time left")
    return False


def _post(message: Message, options: WebhookOptions, timeout: float) -> str:
    """Send it once; what went wrong, in words without secrets, or nothing."""
    now, where = int(time.time()), safe_url(options.url)
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "entrepot-webhook",
        "webhook-id": message.id,
        "webhook-timestamp": str(now),
    }
    if options.secret is not None:
        headers["webhook-signature"] = signature(key_of(options.secret), message.id, now, message.body)
    request = Request(options.url, data=message.body, headers=headers)  # noqa: S310  # http or https: options saw to it
    try:
        with build_opener(_Stay).open(request, timeout=timeout):
            return ""
    except HTTPError as error:
        error.close()
        if error.code == _GONE:
            log.warning("%s wants no more messages (410): %s is dropped", where, message.id)
            return ""
        return f"{where} answered {error.code}"
    except (URLError, OSError, http.client.HTTPException) as error:
        return f"{where} was not reached: {type(getattr(error, 'reason', error)).__name__}"

"""What a repository may say about who is told of its syncs."""

from __future__ import annotations

import base64
import binascii
import datetime
from pathlib import Path
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

import attrs

from entrepot.plugin import Secret

Event: TypeAlias = Literal["version", "unchanged", "failed"]


@attrs.frozen
class WebhookOptions:
    """What `[repositories.NAME.plugins.webhook]` may say; nobody is told as long as there is no `url`.

    `secret` signs, and `outbox` is a folder for messages until they are delivered. Each is tried
    `attempts` times in a run, `timeout` long; after `within`, the program waits for none of them.
    What is older than `keep` is dropped.
    """

    url: str = ""
    secret: Secret | None = None
    outbox: Path | None = None
    events: tuple[Literal["version", "unchanged", "failed"], ...] = ("version", "failed")
    timeout: datetime.timedelta = datetime.timedelta(seconds=5)
    attempts: int = attrs.field(default=3, validator=attrs.validators.ge(1))
    within: datetime.timedelta = datetime.timedelta(seconds=8)
    keep: datetime.timedelta = datetime.timedelta(days=7)

    def __attrs_post_init__(self) -> None:
        if not self.url:
            if self.secret or self.outbox:
                raise ValueError('these options tell nobody: add url = "https://..."')
            return
        if urlsplit(self.url).scheme not in ("http", "https") or not urlsplit(self.url).hostname:
            raise ValueError('url is no address of the web: url = "https://..."')
        if self.secret is None:
            raise ValueError('nobody could tell that a message is ours: add secret = { env = "NAME" }')
        if self.outbox is None or not self.outbox.is_absolute():
            raise ValueError('messages need a place until they are delivered: outbox = "/var/lib/entrepot/outbox"')
        if self.timeout <= datetime.timedelta():
            raise ValueError('timeout is nothing, so no receiver could answer: timeout = "5s"')
        key_of(self.secret)


def key_of(secret: Secret) -> bytes:
    """The bytes that sign: `whsec_` and base64, as Standard Webhooks writes keys, or any text as it is."""
    text = secret.reveal()
    if not text.startswith("whsec_"):
        return text.encode()
    try:
        return base64.b64decode(text.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        raise ValueError("the secret begins with whsec_, and what follows is not base64") from None

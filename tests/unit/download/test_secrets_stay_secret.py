"""No secret is ever told: not by errors, events, reprs, tracebacks or logs."""

from __future__ import annotations

import logging
import traceback

import pytest

from entrepot.download.credentials import Credentials
from entrepot.errors import ConfigurationError, EntrepotError
from entrepot.model.artifact import Artifact
from entrepot.model.remote import Access, Remote, Secret
from entrepot.testing.bad_origin import BadOrigin
from entrepot.testing.bad_replies import Reply
from unit.download.desk import Desk

CANARY = "canary-7f3a"

TROUBLE = {
    "absent": Reply(status=404),
    "denied": Reply(status=401),
    "proxy denied": Reply(status=407),
    "broken": Reply(status=500),
    "too many": Reply(status=429, headers={"Retry-After": "1"}),
    "cut": Reply(body=b"x" * 100, cut=10),
    "reset": Reply(cut=0, reset=True),
    "garbled": Reply(raw=b"HTTP/9 what\r\n\r\n"),
    "long head": Reply(raw=b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n"),
    "nothing": Reply(raw=b""),
    "wrong": Reply(body=b"other bytes"),
    "nowhere": Reply.redirect(f"http://user:{CANARY}@[::1/?token={CANARY}"),
    "loop": Reply.redirect(f"/file?token={CANARY}"),
    "forbidden": Reply.redirect(f"http://{CANARY}:{CANARY}@127.0.0.2:9/?token={CANARY}#{CANARY}"),
    "other scheme": Reply.redirect(f"ftp://u:{CANARY}@h/?token={CANARY}"),
}


@pytest.mark.fault("E09")
@pytest.mark.promise("P30")
@pytest.mark.parametrize("trouble", TROUBLE)
async def test_whatever_goes_wrong_tells_no_secret(
    desk: Desk, trouble: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """The error names the URL without its query, and so does everything else that is said."""
    caplog.set_level(logging.DEBUG)
    desk.access = Access(
        username="ci", password=Secret(CANARY), headers={"X-Key": Secret(CANARY), "Cookie": Secret(CANARY)}
    )
    desk.origin.on("/file*", TROUBLE[trouble])

    with pytest.raises(EntrepotError) as caught:
        await desk.fetch(f"/file?token={CANARY}", Artifact(size=100, sha256="0" * 64))

    assert desk.origin.requests[0].headers["x-key"] == CANARY
    said = [str(caught.value), repr(caught.value), repr(desk.told), repr(desk.remote), caplog.text]
    said += ["".join(traceback.format_exception(caught.value)), *capfd.readouterr()]
    said += [str(value) for value in vars(caught.value).values()]
    assert CANARY not in "\n".join(said).replace(f'TROUBLE["{trouble}"]', "")
    assert desk.origin.url("/file") in str(caught.value)


@pytest.mark.fault("E09")
@pytest.mark.promise("P30")
async def test_an_unreachable_upstream_tells_no_secret(desk: Desk) -> None:
    """Nor does one that has no name."""
    async with BadOrigin() as closed:
        url = closed.url(f"/file?token={CANARY}")
    for asked in (url, f"http://user:{CANARY}@no-such-host.invalid/?x={CANARY}"):
        desk.access = Access(password=Secret(CANARY), allow_private=True)
        with pytest.raises(EntrepotError) as caught:
            await desk.get(asked)

        assert CANARY not in "".join(traceback.format_exception(caught.value))


@pytest.mark.fault("E09")
@pytest.mark.promise("P30")
def test_what_holds_secrets_does_not_show_them(desk: Desk) -> None:
    """Whoever prints a remote, its settings or a downloader sees where, not who."""
    access = Access(
        password=Secret(CANARY), bearer=Secret(CANARY), headers={"X": Secret(CANARY)}, proxy=f"http://u:{CANARY}@p/"
    )
    remote = Remote(f"https://u:{CANARY}@mirror.example/?token={CANARY}", access=access)
    downloader = desk.downloads.downloader(remote, remote.url, receiver=desk.receiver)

    assert CANARY not in repr(remote) + repr(access) + repr(downloader) + repr(Credentials(remote))


def test_a_secret_with_a_line_end_is_named_by_its_header_and_not_shown() -> None:
    """A file that holds a token often ends with a newline; the remedy says so."""
    with pytest.raises(ConfigurationError) as caught:
        Credentials(Remote("https://mirror.example/", access=Access(headers={"X-Key": Secret(f"{CANARY}\n")})))

    assert "X-Key" in caught.value.what
    assert "newline" in caught.value.remedy
    assert CANARY not in str(caught.value)

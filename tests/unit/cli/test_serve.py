"""`entrepot serve`."""

from __future__ import annotations

import json
import re
import signal
import socket
import urllib.request

import pytest

from shell import Program, Shell


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("is_json", [False, True], ids=["text", "json"])
def test_the_address_is_said_once_it_answers(
    ready: Shell, program: Program, number: signal.Signals, is_json: bool
) -> None:
    """Port 0 picks one; a signal is how a server ends, and that is no failure."""
    assert ready("sync").code == 0

    with program.start("serve", "--port", "0", *(["--json"] if is_json else [])) as serving:
        assert serving.stdout is not None
        line = serving.stdout.readline()
        url = json.loads(line)["url"] if is_json else line.removeprefix("serving ").strip()
        with urllib.request.urlopen(f"{url.rstrip('/')}/tools/feed.json", timeout=20) as answer:
            body = answer.read()
        serving.send_signal(number)
        rest, err = serving.communicate(timeout=60)

    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/?", url)
    assert json.loads(body) == ["alpha", "beta"]
    assert (serving.returncode, rest) == (0, "")
    assert "Traceback" not in err


def test_a_port_that_is_taken_is_told(ready: Shell) -> None:
    """Exit code 2, with what to type."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()

        done = ready("serve", "--port", str(taken.getsockname()[1]))

    assert done.code == 2
    assert "--port 0" in done.err

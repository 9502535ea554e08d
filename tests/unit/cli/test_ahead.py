"""What is imported ahead is imported, or given up, before the process may end."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import pytest

from entrepot.cli.ahead import imported_beside

SLOW = """\
import time
time.sleep(0.2)
done = True
"""


def under_way() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "entrepot-import"]


@pytest.fixture
def slow_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "entrepot_test_slow.py").write_text(SLOW)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "entrepot_test_slow", raising=False)
    return "entrepot_test_slow"


def test_the_block_goes_on_while_the_module_is_loaded(slow_module: str) -> None:
    with imported_beside(slow_module):
        assert not hasattr(sys.modules.get(slow_module), "done")
    assert sys.modules[slow_module].done


def test_no_import_goes_on_when_the_block_fails(slow_module: str) -> None:
    with pytest.raises(KeyboardInterrupt), imported_beside(slow_module):
        raise KeyboardInterrupt
    assert not under_way()
    assert sys.modules[slow_module].done


def test_the_process_waits_for_an_import_whose_block_was_cut_short(slow_module: str) -> None:
    with imported_beside(slow_module):
        (thread,) = under_way()
        assert not thread.daemon


def test_a_module_that_is_missing_is_for_whoever_needs_it(capfd: pytest.CaptureFixture[str]) -> None:
    with imported_beside("entrepot_test_missing"):
        pass
    assert capfd.readouterr().err == ""

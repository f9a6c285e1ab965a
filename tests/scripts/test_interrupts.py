"""Ctrl-C at an unlucky moment, in real processes: it ends the command with one line, whatever it fell into."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

PROGRAM = """
    import signal, sys, time, types

    from trainband import __main__
    from trainband.command_line import Verb
    from trainband.results.index import Index


    def interrupt(*_):
        signal.raise_signal(signal.SIGINT)


    def while_a_connection_closes(*_):
        index = Index("sqlite:///index.sqlite", store_id="a")
        index._engine.dialect.do_close = interrupt
        index.prepare()


    def in_a_finalizer(*_):
        finalized = type("Finalized", (), {"__del__": interrupt})()
        del finalized
        time.sleep(60)


    signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever starts the tests may ignore it
    sys.modules["trainband.list"] = types.ModuleType("trainband.list")
    run = globals()[sys.argv.pop()]
    sys.modules["trainband.list"].VERB = Verb(summary="", example="", define=lambda values: None, run=run)
    sys.exit(__main__.entry())
"""


@pytest.mark.parametrize("moment", ["while_a_connection_closes", "in_a_finalizer"])
def test_an_interrupt_ends_the_command_with_one_line(tmp_path: Path, moment: str) -> None:
    found = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(PROGRAM), "list", moment],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    said = "trainband list: interrupted; what was recorded is kept\n"
    assert (found.returncode, found.stderr) == (130, said), found.stderr

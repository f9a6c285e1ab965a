"""Faults of the child itself: it dies, hangs, or answers what cannot be read."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

from trainband.benchmarks.faults.fault import Fault


def _die(_folder: str) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _hang(_folder: str) -> None:
    while True:
        time.sleep(3600)


def _garbage(folder: str) -> None:
    with open(os.path.join(folder, "answer.json"), "w", encoding="utf-8") as file:
        file.write('{"measurement": <html>404')
    sys.stdout.write("\x00\xff garbage \N{SNOWMAN}\n" * 100)
    sys.stdout.flush()
    os._exit(0)


def _leave(_folder: str) -> None:
    os._exit(0)


def _burn(_folder: str) -> None:
    def count() -> None:
        while True:
            sum(range(10_000))

    threading.Thread(target=count, daemon=True).start()


ROWS = (
    Fault(name="killed", title="the process is killed by a signal", process=_die),
    Fault(name="hanging", title="the process never ends", process=_hang),
    Fault(name="garbage", title="the process writes no readable answer", process=_garbage),
    Fault(name="busy_thread", title="a thread of the process counts all the time", process=_burn),
    Fault(name="silent_exit", title="the process ends with status 0 and no answer", process=_leave),
)

"""BITLOCAL_WATCHDOG=seconds: tell where training hangs, for a bug report. Off unless it is set."""

from __future__ import annotations

import faulthandler
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

_VARIABLE = "BITLOCAL_WATCHDOG"


class _Positions(Protocol):
    def positions(self) -> list[tuple[int, str]]: ...


@contextmanager
def watch(trainer: _Positions) -> Iterator[None]:
    """Watch a step of training: if it takes longer than BITLOCAL_WATCHDOG says, dump all stacks to stderr.

    The step goes on; if it is stuck, it is dumped again each time that as long has passed.

    Raises
    ------
    ValueError
        If the variable is no positive number of seconds.
    """
    seconds = _seconds()
    if seconds is None:
        yield
        return
    finished = threading.Event()
    watcher = threading.Thread(target=_report_until, args=(finished, seconds, trainer), daemon=True)
    watcher.start()
    try:
        yield
    finally:
        finished.set()
        watcher.join()


def _seconds() -> float | None:
    text = os.environ.get(_VARIABLE)
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < threading.TIMEOUT_MAX:
        raise ValueError(f"{_VARIABLE}={text!r}: expected a number of seconds above 0, as in 60")
    return seconds


def _report_until(finished: threading.Event, seconds: float, trainer: _Positions) -> None:
    while not finished.wait(seconds):
        lines = [f"bitlocal: a step of training has taken more than {seconds:g} s ({_VARIABLE})"]
        lines += [
            f"  trainer thread {i}: {what}, mini-batch {step}" for i, (step, what) in enumerate(trainer.positions())
        ]
        lines += [f"  system thread {line}" for line in _system_threads()]
        print("\n".join(lines), file=sys.stderr, flush=True)
        faulthandler.dump_traceback(file=sys.__stderr__ or 2, all_threads=True)


def _system_threads() -> list[str]:
    """Tell of each thread of this process what the system knows, where it tells."""
    found = []
    for task in sorted(Path("/proc/self/task").glob("*")):
        try:
            state = (task / "stat").read_text().rpartition(")")[2].split()[0]
            waits_in = (task / "wchan").read_text()
        except OSError:  # it has just ended, or the system does not tell
            continue
        found.append(f"{task.name}: state {state}, waits in {waits_in}")
    return found

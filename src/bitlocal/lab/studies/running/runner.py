"""Running cells in parallel processes, so that none can harm another."""

from __future__ import annotations

import multiprocessing
import os
import signal
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any

from bitlocal.lab.studies.running.cells import Cell
from bitlocal.lab.studies.running.store import Result, Store

Work = Callable[[Cell], Result]

# What the libraries below take the number of their threads from when they are loaded.
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class Failure:
    """A cell that failed, and why, in one line."""

    cell: Cell
    reason: str


Report = Callable[[Cell, Failure | None], None]


def run(cells: Sequence[Cell], store: Store, work: Work, *, jobs: int, report: Report) -> list[Failure]:
    """Run the cells in the order given and keep each result as soon as it is there.

    Parameters
    ----------
    cells : sequence of Cell
        What to run; whether results are there already is the caller's business.
    store : Store
        Where results go.
    work : callable
        Gives the result of a cell. With more than one job it must be a function of a module.
    jobs : int
        Processes; with 1, the cells run in this one.
    report : callable
        Called after each cell, with its failure if it failed.

    Returns
    -------
    list of Failure
        The cells that failed, in the order in which they did. The others are not affected.
    """
    failures: list[Failure] = []

    def finish(cell: Cell, outcome: Result | str) -> None:
        failure = None
        if isinstance(outcome, str):
            failure = Failure(cell, outcome)
            failures.append(failure)
        else:
            store.put(cell, outcome)
        report(cell, failure)

    if jobs == 1 or len(cells) < 2:
        for cell in cells:
            finish(cell, _attempt(work, cell))
    else:
        for cell, outcome in _in_processes(cells, work, min(jobs, len(cells))):
            finish(cell, outcome)
    return failures


def _attempt(work: Work, cell: Cell) -> Result | str:
    try:
        return work(cell)
    except Exception as error:
        if os.environ.get("BITLOCAL_DEBUG"):
            traceback.print_exc()
        return f"{type(error).__name__}: {' '.join(str(error).split())}"


def _in_processes(cells: Sequence[Cell], work: Work, jobs: int) -> Iterator[tuple[Cell, Result | str]]:
    waiting = list(reversed(cells))
    busy: dict[Connection, tuple[Any, Cell]] = {}
    try:
        with _one_thread_each():
            idle = [_start(work) for _ in range(jobs)]
        while waiting or busy:
            while waiting and idle:
                process, connection = idle.pop()
                cell = waiting.pop()
                with suppress(OSError):  # if it ended before it had anything to do, the next wait tells why
                    connection.send(cell)
                busy[connection] = process, cell
            for ready in wait(list(busy)):
                assert isinstance(ready, Connection)
                process, cell = busy.pop(ready)
                try:
                    outcome = ready.recv()
                    idle.append((process, ready))
                except (EOFError, OSError):
                    ready.close()
                    process.join()
                    outcome = f"its process ended with exit status {process.exitcode} (out of memory?)"
                    if waiting:
                        with _one_thread_each():
                            idle.append(_start(work))
                yield cell, outcome
        for process, connection in idle:
            connection.close()  # at which it ends
            process.join()
    finally:
        for process, _ in busy.values():  # only after an interruption
            process.terminate()
            process.join()


def _start(work: Work) -> tuple[Any, Connection]:
    # Spawned, not forked: a fork would inherit threads' locks, PyTorch's among them.
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, work), daemon=True)
    process.start()
    theirs.close()  # else its end would not be noticed
    return process, ours


def _serve(connection: Connection, work: Work) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the first process ends the others
    while True:
        try:
            cell = connection.recv()
        except EOFError:
            return
        connection.send(_attempt(work, cell))


@contextmanager
def _one_thread_each() -> Iterator[None]:
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value

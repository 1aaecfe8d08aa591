"""Command line: arguments and printing only; the work is done by the package."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

import typer
from sklearn.exceptions import NotFittedError

from bitlocal.cli.bench import bench
from bitlocal.cli.console import printable
from bitlocal.cli.datasets import datasets
from bitlocal.cli.evaluate import evaluate
from bitlocal.cli.export import export
from bitlocal.cli.features import features
from bitlocal.cli.import_state import import_state
from bitlocal.cli.info import info
from bitlocal.cli.predict import predict
from bitlocal.cli.reproduce import reproduce
from bitlocal.cli.train import train

app = typer.Typer(
    help="Train and use binary neural networks: XNOR, popcount and integer counters, no floating point.",
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (train, evaluate, predict, info, datasets, features, bench, reproduce):
    app.command()(command)
app.command("import-state")(import_state)
app.add_typer(export, name="export")


def main() -> NoReturn:
    """Run the command line; what the user can mend is told in one line, with exit status 2."""
    try:
        status = app(args=sys.argv[1:] or ["--help"], prog_name="bitlocal", standalone_mode=False)
        print(end="", flush=True)  # while it can still be reported that the disk is full
    except (KeyboardInterrupt, typer.Abort):
        _end(130, "bitlocal: interrupted")
    except BrokenPipeError:  # whoever read the output has seen enough, as `head` does
        _end(1)
    except Exception as error:
        if os.environ.get("BITLOCAL_DEBUG"):
            raise
        _end(*_tell(error))
    sys.exit(status if isinstance(status, int) else 0)


def _end(status: int, message: str | None = None) -> NoReturn:
    if message is not None:
        print(message, file=sys.stderr)
    try:
        print(end="", flush=True)
    except OSError:  # nobody takes it; without this, Python would try again at its end, and complain
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(status)


def _tell(error: Exception) -> tuple[int, str]:
    """Give the exit status and the one line for an error."""
    text = printable(" ".join(str(error).split())) or type(error).__name__
    if hasattr(error, "format_message"):  # wrong usage, noticed by typer
        context = getattr(error, "ctx", None)
        command = "bitlocal" if context is None else context.command_path
        text = f"{' '.join(error.format_message().split()).rstrip('.')}; see {command} --help"
    elif isinstance(error, OSError) and error.strerror:
        text = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    elif isinstance(error, MemoryError):
        text = "not enough memory; use a smaller network, fewer threads or less data"
    elif not isinstance(error, (ValueError, OSError, NotFittedError)):
        # Not the user's to mend. ValueError includes the package's own errors.
        return 1, f"bitlocal: internal error: {type(error).__name__}: {text}; BITLOCAL_DEBUG=1 shows where"
    return 2, f"bitlocal: error: {text}"

"""Command line: arguments and printing only; the work is done by the package."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

import typer
from sklearn.exceptions import NotFittedError

from bitlocal.cli.datasets import datasets
from bitlocal.cli.evaluate import evaluate
from bitlocal.cli.info import info
from bitlocal.cli.predict import predict
from bitlocal.cli.train import train
from bitlocal.errors import BitlocalError

app = typer.Typer(
    help="Train and use binary neural networks: XNOR, popcount and integer counters, no floating point.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
for command in (train, evaluate, predict, info, datasets):
    app.command()(command)


def main() -> NoReturn:
    """Run the command line; what the user can mend is told in one line, with exit status 2."""
    try:
        app()
    except (BitlocalError, ValueError, OSError, MemoryError, NotFittedError) as error:
        if os.environ.get("BITLOCAL_DEBUG"):
            raise
        print(f"bitlocal: error: {_one_line(error)}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("bitlocal: interrupted", file=sys.stderr)
        sys.exit(130)
    sys.exit(0)


def _one_line(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return " ".join(str(error).split()) or type(error).__name__

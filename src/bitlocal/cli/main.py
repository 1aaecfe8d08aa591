"""The entry of the command line, and how it ends: what the user can mend is told in one line."""

from __future__ import annotations

import os
import sys
import warnings
from typing import Any, NoReturn

from bitlocal.errors import DataWarning


def main() -> NoReturn:
    """Run the command line.

    Exit status 0 after success, 1 for what the user cannot mend, 2 for what the user can, 130 after an interruption.
    """
    if sys.argv[1:] == ["--version"]:
        import bitlocal

        print(bitlocal.__version__)
        _end(0)
    import typer  # what a version needs not wait for

    warnings.showwarning = _warn

    from bitlocal.cli.commands import app

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


def _warn(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, file: Any = None, line: Any = None
) -> None:
    """Tell of a warning in one line; of those that are not about the user's data, where it comes from as well."""
    from bitlocal.cli.shared.console import printable

    place = "" if issubclass(category, DataWarning) else f"{filename}:{lineno}: {category.__name__}: "
    print(f"bitlocal: warning: {place}{printable(' '.join(str(message).split()))}", file=sys.stderr)


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
    from bitlocal.cli.shared.console import printable

    text = printable(" ".join(str(error).split())) or type(error).__name__
    if hasattr(error, "format_message"):  # wrong usage, noticed by typer
        context = getattr(error, "ctx", None)
        command = "bitlocal" if context is None else context.command_path
        text = f"{' '.join(error.format_message().split()).rstrip('.')}; see {command} --help"
    elif isinstance(error, OSError) and error.strerror:
        text = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    elif isinstance(error, MemoryError):
        text = "not enough memory; use a smaller network, fewer threads or less data"
    elif not isinstance(error, (ValueError, OSError)):
        # Not the user's to mend. ValueError includes the package's own errors, and scikit-learn's NotFittedError.
        return 1, f"bitlocal: internal error: {type(error).__name__}: {text}; BITLOCAL_DEBUG=1 shows where"
    return 2, f"bitlocal: error: {text}"

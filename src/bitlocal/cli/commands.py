"""The commands, each in a file of its own that is loaded when it is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

_COMMANDS = (
    "train",
    "evaluate",
    "predict",
    "info",
    "export",
    "import-state",
    "datasets",
    "features",
    "bench",
    "reproduce",
)


class _OnDemand(TyperGroup):
    """A group whose commands come from files of the same name."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in _COMMANDS:
            return None
        name = cmd_name.replace("-", "_")
        made = getattr(import_module(f"bitlocal.cli.{name}"), name)
        if not isinstance(made, typer.Typer):
            alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
            alone.command(cmd_name)(made)
            made = alone
        command = typer.main.get_command(made)
        command.name = cmd_name
        return command


app = typer.Typer(
    cls=_OnDemand,
    help="Train and use binary neural networks: XNOR, popcount and integer counters, no floating point.",
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", help="Print the version, and exit.")] = False,
) -> None:
    # `bitlocal.cli.main` has printed it before anything else was loaded; the option is here to be listed.
    if version:
        import bitlocal

        print(bitlocal.__version__)
        raise typer.Exit


_options.__doc__ = app.info.help

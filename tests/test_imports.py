"""What is loaded when, and that the parts of the package depend on each other in one direction."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version

import pytest

import bitlocal


def run(*command: str) -> str:
    return subprocess.run([sys.executable, *command], check=True, capture_output=True, text=True).stdout


def modules_after(statement: str) -> set[str]:
    return set(run("-c", f"import sys\n{statement}\nprint(*sys.modules, sep='\\n')").split())


def test_the_package_alone_loads_next_to_nothing():
    loaded = modules_after("import bitlocal")
    assert not {name.split(".")[0] for name in loaded} & {"numpy", "sklearn", "scipy", "typer", "rich", "pooch"}
    assert not any(name.startswith("bitlocal.") for name in loaded)


@pytest.mark.parametrize("statement", ["import bitlocal; bitlocal.BMLPClassifier", "from bitlocal import *"])
def test_no_one_but_the_command_line_loads_the_laboratory(statement):
    loaded = modules_after(statement)
    assert "bitlocal.estimator" in loaded
    assert not any(name.startswith(("bitlocal.lab", "bitlocal.cli")) for name in loaded)
    assert not {"typer", "torch", "matplotlib"} & loaded


def test_a_command_loads_only_what_it_needs():
    main = "import sys; sys.argv[1:] = ['datasets']\ntry: main()\nexcept SystemExit: pass"
    loaded = modules_after(f"from bitlocal.cli.main import main\n{main}")
    assert "bitlocal.cli.datasets" in loaded
    assert not any(name.startswith("bitlocal.lab") or name == "bitlocal.cli.bench" for name in loaded)


@pytest.mark.parametrize("name", bitlocal.__all__)
def test_every_name_is_there(name):
    assert getattr(bitlocal, name) is not None
    assert name in dir(bitlocal)


def test_a_name_that_is_not_there():
    with pytest.raises(AttributeError, match="nothing"):
        bitlocal.nothing  # noqa: B018


@pytest.mark.parametrize("command", [("-m", "bitlocal"), ("-c", "from bitlocal.cli.main import main; main()")])
def test_version(command):
    assert run(*command, "--version").strip() == version("bitlocal") == bitlocal.__version__

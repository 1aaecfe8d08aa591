"""The examples in docstrings and in the README are run."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import bitlocal

MODULES = [name for _, name, _ in pkgutil.walk_packages(bitlocal.__path__, "bitlocal.") if name != "bitlocal._core"]
DOCS = Path(__file__).parents[1] / "docs"
README = Path(__file__).parents[1] / "README.md"


@pytest.mark.parametrize("name", MODULES)
def test_docstrings(name):
    result = doctest.testmod(importlib.import_module(name))
    assert result.failed == 0


PAGES = [page for page in sorted(DOCS.glob("*.md")) if ">>> " in page.read_text(encoding="utf-8")]


def test_some_pages_have_examples():
    assert {page.name for page in PAGES} >= {"cost.md", "encoders.md"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_docs(page):
    result = doctest.testfile(str(page), module_relative=False, encoding="utf-8")
    assert result.attempted > 0
    assert result.failed == 0


def test_the_public_classes_have_examples():
    finder = doctest.DocTestFinder()
    for public in (
        name for name in bitlocal.__all__ if name.endswith(("Classifier", "Encoder", "Binarizer", "pack", "save"))
    ):
        assert any(test.examples for test in finder.find(getattr(bitlocal, public))), public


def test_readme_example(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (code,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert code.count("\n") <= 10
    exec(compile(code, "README.md", "exec"), {})
    assert float(capsys.readouterr().out) > 0.95
    assert bitlocal.load("digits.safetensors").n_features_in_ == 64

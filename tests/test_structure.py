"""The layout of the code: small files, small rooms, one direction, nothing private read from another room."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path

import pytest

SRC = Path(__file__).parents[1] / "src"
PACKAGE = SRC / "bitlocal"
MODULES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(PACKAGE.rglob("*.py"))}


def name_of(path: Path) -> str:
    """The module's dotted name."""
    parts = path.relative_to(SRC).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path, tree: ast.Module, *, at_the_top: bool) -> set[str]:
    """Modules of the package that a module imports; at the top only those that are there when it is loaded."""
    names = {name_of(other) for other in MODULES} | {"bitlocal._core"}
    package = name_of(path) if path.name == "__init__.py" else name_of(path).rpartition(".")[0]
    found = set()
    for node in tree.body if at_the_top else ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names} & names
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                base = ".".join(
                    [*package.split(".")[: len(package.split(".")) - node.level + 1], *filter(None, [base])]
                )
            found |= {
                f"{base}.{alias.name}" if f"{base}.{alias.name}" in names else base for alias in node.names
            } & names
    return found


def own_private_names(tree: ast.Module) -> set[str]:
    """Private names that a module defines, as attributes, methods, classes, functions or variables."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            found.add(node.attr)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.add(node.target.id)
    return {name for name in found if name.startswith("_")}


def is_private(name: str) -> bool:
    return (
        name.startswith("_") and not name.startswith("__") and name not in ("_core", "_replace", "_asdict", "_fields")
    )


def room_of(path: Path) -> str:
    """What may share what is private: a package below bitlocal, or a module beside them."""
    return path.relative_to(PACKAGE).parts[0]


def test_nothing_private_is_read_from_another_room():
    private = defaultdict(set)  # name: rooms that define it
    for path, tree in MODULES.items():
        for name in own_private_names(tree):
            private[name].add(room_of(path))
    found = []
    for path, tree in MODULES.items():
        room = room_of(path)
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("bitlocal"):
                found += [
                    f"{path.relative_to(SRC)}:{node.lineno}: imports {alias.name} of {node.module}"
                    for alias in node.names
                    if is_private(alias.name)
                ]
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load) and is_private(node.attr):
                owner = node.value
                own = isinstance(owner, ast.Name) and owner.id in ("self", "cls")
                own |= isinstance(owner, ast.Call) and isinstance(owner.func, ast.Name) and owner.func.id == "super"
                if not own and private[node.attr] and room not in private[node.attr]:
                    found.append(f"{path.relative_to(SRC)}:{node.lineno}: reads {ast.unparse(node)}")
    assert found == []


def test_no_module_imports_in_a_circle():
    graph = {name_of(path): imports_of(path, tree, at_the_top=True) for path, tree in MODULES.items()}
    done: set[str] = set()

    def visit(name: str, way: tuple[str, ...]) -> None:
        assert name not in way, " -> ".join([*way[way.index(name) :], name])
        if name in done:
            return
        for other in graph.get(name, ()):
            if other != name:
                visit(other, (*way, name))
        done.add(name)

    for name in graph:
        visit(name, ())


ORDER = (  # data flows from the first to the last: nothing imports what stands below it
    ("errors", "_core"),
    ("bits", "processor", "splits", "spec", "state", "watchdog"),
    ("datasets",),
    ("encoders",),
    ("samples", "network"),
    ("training",),
    ("estimator",),
    ("single_layer", "pipelines", "river"),
    ("files",),
    ("export", "features"),
    ("lab",),
    ("cli",),
    ("__main__",),
)


def test_imports_go_one_way():
    rank = {room: i for i, rooms in enumerate(ORDER) for room in rooms}
    found = []
    for path, tree in MODULES.items():
        room = room_of(path).removesuffix(".py")
        if room == "__init__":
            continue
        assert room in rank, f"{room} has no place in ORDER"
        for other in imports_of(path, tree, at_the_top=False):
            parts = other.split(".")
            target = parts[1] if len(parts) > 1 else None
            if target is not None and target != room and rank[target] >= rank[room]:
                found.append(f"{path.relative_to(SRC)} imports {other}")
    assert found == []


FILES = [p for p in SRC.rglob("*") if p.suffix in {".py", ".cpp", ".hpp", ".c"} and "__pycache__" not in p.parts]
ROOMS = [p for p in SRC.rglob("*") if p.is_dir() and p.name != "__pycache__"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(SRC).as_posix())
def test_files_are_small(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 500


@pytest.mark.parametrize("path", ROOMS, ids=lambda path: path.relative_to(SRC).as_posix())
def test_rooms_are_small(path):
    tops = [p.name for p in path.iterdir() if p.suffix in {".py", ".cpp", ".hpp"} and p.name != "__init__.py"]
    assert len(tops) <= 14, sorted(tops)


ROOT = SRC.parent
MAP = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
MAP = MAP[MAP.index("## How the code is laid out") : MAP.index("## What every change keeps")]


def told_of() -> set[str]:
    """Every path that the map names: an entry's folder is told by how far it is indented.

    The text beside an entry may name more: beside a file others of its folder, beside a folder what is in it.
    """
    found, folders = set(), []
    for line in MAP.splitlines():
        entry = re.match(r"( {4,})([\w./-]+/|[\w.]+\.(?:hpp|cpp|py))(?= )", line)
        if entry is None:
            continue
        folders = folders[: (len(entry[1]) - 4) // 2]
        place = "".join(folders) + entry[2]
        if entry[2].endswith("/"):
            folders.append(entry[2])
        more = re.findall(r"(?<= )[\w.]+(?:/|\.hpp|\.cpp|\.py)(?=[ :,;]|$)", line[entry.end() :])
        found |= {one.rstrip("/") for one in (place, *("".join(folders) + name for name in more))}
    return found


def test_the_map_names_what_is_there():
    missing = [place for place in told_of() if not (ROOT / place).exists()]
    assert missing == []


def test_every_room_is_on_the_map():
    rooms = ["src/core", "src/bindings", "src/bitlocal", "tests", "tools", "benchmarks", "examples"]
    for folder in ("src/core", "src/bitlocal"):
        tops = [p for p in (ROOT / folder).iterdir() if p.is_dir() or p.suffix in {".py", ".cpp", ".hpp"}]
        tops = [p for p in tops if p.suffix != ".hpp" or not p.with_suffix(".cpp").exists()]  # told of by the other
        rooms += [p.relative_to(ROOT).as_posix() for p in tops if not p.name.startswith("_")]
    assert sorted(set(rooms) - told_of()) == []

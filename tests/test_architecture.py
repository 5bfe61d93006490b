"""The rules of the house, read off the source."""

import ast
import configparser
import re
import subprocess
import sys
from pathlib import Path

import eii
import pytest

ROOT = Path(__file__).parents[1]
CORE = ROOT / "src_core" / "eii"
FILES = sorted([*CORE.rglob("*.py"), *(ROOT / "napari_eii").rglob("*.py")])
NAMES = [str(f.relative_to(ROOT)) for f in FILES]

# Each part may import those listed, beside itself.
BASE = {"options", "errors", "progress", "device", "files", "_version"}
MAY_IMPORT = {
    "errors": set(),
    "_version": set(),
    "files": set(),
    "options": {"errors"},
    "progress": {"errors"},
    "device": {"errors"},
    "data": set(),
    "weights": set(),
    "image": BASE,
    "external": {"image", *BASE},
    "internal": {"external", "image", *BASE},
    "finders": {"image", *BASE},
    "engine": {"external", "internal", "image", *BASE},
    "io": {"image", *BASE},
    "cluster": BASE,
    "propagate": {"runs", "engine", "external", "image", "io", *BASE},
    "runs": {"cluster", "engine", "external", "image", "io", *BASE},
    "planning": {"runs", "engine", "external", "image", "io", *BASE},
    "lazy_tasks": {"runs", "engine", "image", "io", *BASE},
    "lazy": {"lazy_tasks", "runs", "engine", "external", "image", "io", *BASE},
    "lazy_blocks": {"io", *BASE},
    "arrays": {"lazy", "lazy_blocks", "runs", "engine", "image", "io", *BASE},
    "finding_networks": {"external", "finders", *BASE},
    "finding_fits": {"finders", "io", *BASE},
    "veils": {"finding", "finders", "image", "io", *BASE},
    "finding": {
        "finding_networks",
        "finding_fits",
        "device",
        "finders",
        "engine",
        "image",
        "io",
        *BASE,
    },
    "defects": {"finding", "finders", "device", "engine", "io", "_version", *BASE},
    "api": {
        "finding",
        "veils",
        "arrays",
        "planning",
        "runs",
        "cluster",
        "engine",
        "external",
        "internal",
        "finders",
        "image",
        "io",
        "device",
        *BASE,
    },
    "batch": {"api", "io", "image", *BASE},
    "evaluation": {"arrays", "api", "external", "image", *BASE},
    "training": {"evaluation", "external", "finders", "image", *BASE},
    "demo": {"arrays", "api", "engine", "io", "image", *BASE},
    "signals": BASE,
    "console": {"signals", *BASE},
    "cli": {
        "defects",
        "batch",
        "image",
        "api",
        "planning",
        "cluster",
        "demo",
        "console",
        "evaluation",
        "training",
        "external",
        "io",
        "device",
        "signals",
        *BASE,
    },
    "__init__": set(),
}
NOT_IN_CORE = {"napari", "qtpy", "PyQt5", "PyQt6", "PySide2", "PySide6", "magicgui"}
NOT_IN_PART = {"engine": {"torch", "zarr", "dask"}, "external": {"zarr", "dask"}}


def part_of(file):
    return file.relative_to(CORE).parts[0].removesuffix(".py")


def imports(file):
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


CORE_FILES = [f for f in FILES if f.is_relative_to(CORE)]


@pytest.mark.parametrize("file", CORE_FILES, ids=lambda f: str(f.relative_to(CORE)))
def test_imports_go_one_way(file):
    part = part_of(file)
    allowed = MAY_IMPORT[part] | {part}
    for name in imports(file):
        top, *rest = name.split(".")
        assert top not in NOT_IN_CORE | NOT_IN_PART.get(part, set()), name
        if top == "eii":
            assert rest[0] in allowed, f"{part} imports {name}"


def test_import_of_the_package_stays_light():
    code = "import sys, eii; print(*{m.split('.')[0] for m in sys.modules})"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"torch", "skimage", "scipy", "zarr", "dask", *NOT_IN_CORE}
    assert not heavy & set(run.stdout.split())


def test_all_equals_the_public_names():
    stub = ast.parse((CORE / "__init__.pyi").read_text())
    named = [a.asname for node in stub.body for a in node.names]
    assert sorted(named) == sorted(eii.__all__)
    for name in eii.__all__:
        assert getattr(eii, name) is not None


@pytest.mark.parametrize("file", FILES, ids=NAMES)
def test_files_and_functions_are_short(file):
    text = file.read_text()
    assert len(text.splitlines()) <= 300
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            first = node.body[0]
            documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
            start = first.end_lineno if documented else node.lineno
            assert node.end_lineno - start <= 40, node.name


@pytest.mark.parametrize("file", FILES, ids=NAMES)
def test_source_keeps_the_habits(file):
    text = file.read_text()
    assert "map_overlap" not in text
    assert not re.search(r"(?<![\w./])/(tmp|home|root|opt|work)/", text)
    for node in ast.walk(ast.parse(text)):
        assert not isinstance(node, ast.Assert), "no assert outside tests"
        if isinstance(node, ast.ExceptHandler):
            assert not isinstance(node.body[0], ast.Pass), "no silent except"


def public_functions():
    for file in CORE_FILES:
        for node in ast.parse(file.read_text()).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                yield pytest.param(node, id=f"{file.relative_to(CORE)}:{node.name}")


@pytest.mark.parametrize("node", list(public_functions()))
def test_public_names_are_documented(node):
    assert ast.get_docstring(node)


@pytest.mark.parametrize("name", [n for n in eii.__all__ if callable(getattr(eii, n))])
def test_api_docstrings_say_what_goes_in(name):
    item = getattr(eii, name)
    if isinstance(item, type):
        assert item.__doc__
        return
    assert "Parameters\n" in item.__doc__
    assert "Raises\n" in item.__doc__


def test_every_package_is_installed():
    listed = configparser.ConfigParser()
    listed.read(ROOT / "setup.cfg")
    packages = set(listed["options"]["packages"].split())
    found = {".".join(f.parent.relative_to(CORE.parent).parts) for f in CORE.rglob("*.py")}
    assert packages == {"napari_eii"} | found


def test_no_modules_import_each_other_in_a_circle():
    names = {".".join(f.relative_to(CORE.parent).with_suffix("").parts): f for f in CORE_FILES}
    needs = {}
    for name, file in names.items():
        top = ast.parse(file.read_text()).body  # what is imported in a function comes later
        own = [node for node in top if isinstance(node, ast.ImportFrom)]
        found = {f"{n.module}.{a.name}" for n in own for a in n.names} | {n.module for n in own}
        needs[name] = {n for n in found & set(names) if n != name}
    while free := {name for name, own in needs.items() if not own & set(needs)}:
        needs = {name: own for name, own in needs.items() if name not in free}
    assert not needs, f"in circles: {sorted(needs)}"

"""What the repository holds and what each module imports, read without running anything."""

from __future__ import annotations

import ast
import functools
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
OURS = ("api", "camera", "config", "gate", "mqtt_bridge")


@functools.cache
def files() -> tuple[Path, ...]:
    """Return every file that is, or would be, committed: relative paths."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    names = (Path(name) for name in listed.stdout.split("\0") if name)
    return tuple(sorted(name for name in names if (ROOT / name).is_file()))


@functools.cache
def modules() -> dict[str, Path]:
    """Return the product's modules by dotted name."""
    found = {}
    for path in files():
        if path.suffix == ".py" and path.parts[0] in OURS:
            parts = path.with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = ROOT / path
    return found


@dataclass(frozen=True)
class Import:
    """One imported module (dotted) and whether it is there only for types."""

    name: str
    line: int
    only_types: bool


@functools.cache
def imports(module: str) -> tuple[Import, ...]:
    """Return what a module imports, inside functions too. `from gate import model` counts as gate.model."""
    tree = ast.parse(modules()[module].read_text(encoding="utf-8"))
    return tuple(_walk(tree, only_types=False))


def _walk(node: ast.AST, *, only_types: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (Import(alias.name, child.lineno, only_types) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            base = child.module or ""
            for alias in child.names:
                inner = f"{base}.{alias.name}"
                yield Import(inner if inner in modules() else base, child.lineno, only_types)
        elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            yield from _walk(child, only_types=True)
        else:
            yield from _walk(child, only_types=only_types)


def with_packages(name: str) -> list[str]:
    """Return a module and the packages around it: importing gate.model runs gate/__init__.py too."""
    parts = name.split(".")
    return [known for end in range(1, len(parts) + 1) if (known := ".".join(parts[:end])) in modules()]


def reached(*roots: str) -> dict[str, str]:
    """Return every module of ours that importing `roots` may load, and by which module it was reached."""
    by: dict[str, str] = {}
    waiting = [(root, "the start") for root in roots]
    while waiting:
        name, source = waiting.pop()
        for known in with_packages(name):
            if known not in by:
                by[known] = source
                waiting += [(found.name, known) for found in imports(known) if not found.only_types]
    return by


def outside(module: str) -> Iterator[Import]:
    """Yield what a module imports, at run time, that is neither ours nor of the standard library."""
    for found in imports(module):
        top = found.name.partition(".")[0]
        if not found.only_types and top not in OURS and top not in sys.stdlib_module_names:
            yield found

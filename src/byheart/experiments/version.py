"""Which code measured a number: a hash of the package files that an experiment runs through.

The hash is of the syntax trees without docstrings, so that comments, formatting and documentation do not make
measured numbers look old.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import byheart

__all__ = ["code_version", "run_code"]

CARRIERS = {"_checks.py", "_records.py", "executors", "store"}
"""Rooms that carry numbers and make none: a change there leaves every measured number what it was."""

PACKAGE = Path(byheart.__file__).parent


def run_code(kind: str) -> str:
    """The code that runs of this kind go through: other kinds may change without it."""
    return code_version((f"experiments/kinds/{kind}.py",))


@cache
def code_version(roots: tuple[str, ...]) -> str:
    """Twelve hexadecimal digits over the files in `roots` (relative to the package) and what they import.

    Left out are the CARRIERS.
    """
    digest = hashlib.sha256()
    for file, tree in sorted(_closure([PACKAGE / root for root in roots]).items()):
        digest.update(file.relative_to(PACKAGE).as_posix().encode())
        digest.update(ast.dump(_without_docstrings(tree)).encode())
    return digest.hexdigest()[:12]


def _closure(waiting: list[Path]) -> dict[Path, ast.Module]:
    seen: dict[Path, ast.Module] = {}
    while waiting:
        file = waiting.pop()
        if file not in seen:
            seen[file] = ast.parse(file.read_text())
            waiting += _imported(seen[file])
    return seen


def _imported(tree: ast.Module) -> list[Path]:
    found = []
    for node in _statements(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("byheart."):
            names = [node.module or "", *(f"{node.module}.{name.name}" for name in node.names)]
            found += [path for name in names if (path := _path(name)) is not None and not _carries(path)]
    return found


def _carries(file: Path) -> bool:
    return file.relative_to(PACKAGE).parts[0] in CARRIERS


def _path(module: str) -> Path | None:
    place = PACKAGE.joinpath(*module.split(".")[1:])
    candidates = (place.with_suffix(".py"), place / "__init__.py")
    return next((file for file in candidates if file.is_file()), None)


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in _statements(tree):
        body = getattr(node, "body", None)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and body and _is_text(body[0]):
            node.body = body[1:] or [ast.Pass()]
    return tree


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """A node and every statement below it, not their expressions: a tenth of what `ast.walk` looks at."""
    yield node
    for name in ("body", "orelse", "finalbody", "handlers", "cases"):
        for child in getattr(node, name, ()):
            yield from _statements(child)


def _is_text(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )

"""Which code measured a number: a digest of the package files that an experiment runs through, free of their paths.

The digest of a file is of its syntax tree, the same in every version of Python.  Docstrings, comments and formatting are left out, so that documentation does
not make measured numbers look old.  An import from the package itself is replaced by the bound name, the imported name and
the digest of the file that defines the name.  So moving a file makes no number old, while a function of
the same name from another file changes the digest.  Imports for type checkers only are left out.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

__all__ = ["changed_files", "code_files", "code_version", "forget", "run_code", "run_module"]

CARRIERS = {
    "_checks.py",
    "_records.py",
    "_version.py",
    "executors",
    "store",
    "experiments/version.py",
    "experiments/kinds/shared/short.py",
}
"""Files and folders whose code stores or passes on numbers without computing any: a change there changes no measured number."""

PACKAGE = Path(__file__).parents[1]
NAME = "byheart"
CARRIED = "carried"
BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")


def run_module(kind: str) -> str:
    """Name the module that carries out runs of this kind."""
    return f"{NAME}.experiments.kinds.{kind}.run"


def run_code(kind: str) -> str:
    """Compute the version of the code that runs of this kind go through; changes of other kinds do not change this version."""
    return code_version((run_module(kind),))


def code_version(modules: tuple[str, ...]) -> str:
    """Compute twelve hexadecimal digits over these modules and all that they import, without the CARRIERS.

    modules: full names, e.g. byheart.sampling.solvers.  Raises ImportError for a name that is no module of the package,
    and RuntimeError if files import each other in a circle.
    """
    digests = sorted(_digest(_known(module)) for module in modules)
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()[:12]


def code_files(modules: tuple[str, ...]) -> dict[str, str]:
    """Map the path (below the package) of these modules, and of all that they import, to the digest of that file alone.

    `changed_files` compares two such tables.
    """
    waiting, files = [_known(module) for module in modules], dict[Path, str]()
    while waiting:
        file = waiting.pop()
        if file not in files:
            source = _read(file)
            files[file] = source.own
            waiting += [link.origin for link in source.links if not _carries(link.origin)]
    return {file.relative_to(PACKAGE).as_posix(): own for file, own in sorted(files.items())}


def changed_files(before: dict[str, str], now: dict[str, str]) -> list[str]:
    """List the files whose content is in only one of two tables of `code_files`.

    A file that only moved is not listed.
    """
    dropped, added = set(before.values()) - set(now.values()), set(now.values()) - set(before.values())
    changed = [path for path, own in now.items() if own in added]
    removed = [path for path, own in before.items() if own in dropped and path not in changed]
    return sorted(changed + removed)


def forget() -> None:
    """Clear the caches of what was read, so that a later call reads the files again."""
    for cached in (_digest, _read, _reexports):
        cached.cache_clear()


@dataclass(frozen=True)
class _Link:
    """An import: the bound name, the imported name, and the file that defines the imported name."""

    bound: str
    taken: str
    origin: Path


@dataclass(frozen=True)
class _Source:
    """A file: the digest of its tree without imports of the package, and those imports."""

    own: str
    links: tuple[_Link, ...]


_open: list[Path] = []  # files whose digest is being computed, to detect a circle


@cache
def _digest(file: Path) -> str:
    """Compute the digest of a file and of all that it imports."""
    if file in _open:
        circle = " -> ".join(path.relative_to(PACKAGE).as_posix() for path in [*_open, file])
        raise RuntimeError(f"files import each other in a circle: {circle}")
    _open.append(file)
    try:
        source = _read(file)
        links = sorted(
            (link.bound, link.taken, CARRIED if _carries(link.origin) else _digest(link.origin))
            for link in source.links
        )
    finally:
        _open.pop()
    return hashlib.sha256(repr((source.own, links)).encode()).hexdigest()


@cache
def _read(file: Path) -> _Source:
    tree = ast.parse(file.read_text())
    # Names of a package are resolved when they are used; the imports for type checkers say where.
    links = tuple(_links(tree, types=file.name == "__init__.py"))
    _strip(tree)
    return _Source(hashlib.sha256(repr(_plain(tree)).encode()).hexdigest()[:16], links)


def _links(tree: ast.Module, *, types: bool) -> Iterator[_Link]:
    """List the imports from the package in a tree.  types: also imports for type checkers."""
    for node in _statements(tree, types=types):
        if isinstance(node, ast.ImportFrom) and _is_ours(node.module or ""):
            for name in node.names:
                if (origin := _origin(node.module or "", name.name)) is not None:
                    yield _Link(name.asname or name.name, name.name, origin)
        elif isinstance(node, ast.Import):
            for name in node.names:
                if _is_ours(name.name) and (origin := _path(name.name)) is not None:
                    yield _Link(name.asname or name.name, "", origin)


def _origin(module: str, name: str) -> Path | None:
    """Find the file that defines a name of a module: a module of that name, the file from which a package imports the name, or the module itself."""
    file = _path(f"{module}.{name}") or _path(module)
    if file is not None and file.name == "__init__.py" and name in (taken := _reexports(file)):
        return _origin(taken[name], name)
    return file


@cache
def _reexports(file: Path) -> dict[str, str]:
    """Map every name that a package's __init__ imports under the same name, at once or on first use, to the module of the name."""
    nodes = _statements(ast.parse(file.read_text()), types=True)
    return {
        name.name: node.module
        for node in nodes
        if isinstance(node, ast.ImportFrom) and node.module and _is_ours(node.module)
        for name in node.names
        if name.asname in (None, name.name)
    }


def _strip(node: ast.AST) -> None:
    """Remove docstrings, imports from the package and imports for type checkers from a tree, in place."""
    for name in BLOCKS:
        block = getattr(node, name, None)
        if not isinstance(block, list):
            continue
        kept = [statement for statement in block if not _is_dropped(statement)]
        documented = isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        if name == "body" and documented and kept and _is_text(kept[0]):
            kept = kept[1:]
        empty: list[ast.stmt] = [ast.Pass()] if block and name == "body" else []
        setattr(node, name, kept or empty)
        for child in kept:
            _strip(child)


def _plain(node: object) -> object:
    """Convert the tree to nested tuples, which are the same in every version of Python.

    `ast.dump` differs between versions: newer ones have more fields, or leave out empty fields.
    """
    if isinstance(node, ast.AST):
        fields = ((name, getattr(node, name, None)) for name in node._fields)
        kept = sorted((name, value) for name, value in fields if value is not None and value != [])
        return type(node).__name__, *((name, _plain(value)) for name, value in kept)
    if isinstance(node, list):
        return [_plain(child) for child in node]
    return node


def _is_dropped(node: ast.AST) -> bool:
    match node:
        case ast.ImportFrom():
            return _is_ours(node.module or "")
        case ast.Import():
            return all(_is_ours(name.name) for name in node.names)
    return _is_for_types(node)


def _statements(node: ast.AST, *, types: bool) -> Iterator[ast.AST]:
    """Yield a node and every statement below it, without expressions: a tenth of what `ast.walk` yields."""
    if not types and _is_for_types(node):
        return
    yield node
    for name in BLOCKS:
        for child in getattr(node, name, ()):
            yield from _statements(child, types=types)


def _is_for_types(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.If)
        and isinstance(node.test, ast.Name)
        and node.test.id == "TYPE_CHECKING"
        and not node.orelse
    )


def _is_ours(module: str) -> bool:
    return module == NAME or module.startswith(f"{NAME}.")


def _is_text(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _carries(file: Path) -> bool:
    place = file.relative_to(PACKAGE)
    return place.parts[0] in CARRIERS or place.as_posix() in CARRIERS


def _known(module: str) -> Path:
    file = _path(module)
    if file is None:
        raise ImportError(f"no module {module} in the package")
    return file


def _path(module: str) -> Path | None:
    """Find the file of a module of the package."""
    place = PACKAGE.joinpath(*module.split(".")[1:])
    candidates = (place.with_suffix(".py"), place / "__init__.py")
    return next((file for file in candidates if file.is_file()), None)

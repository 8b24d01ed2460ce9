"""What `import byheart` itself needs: the version, which pyproject.toml repeats, and names that are imported when they are first used."""

import ast
import sys
from collections.abc import Callable
from importlib import import_module

__version__ = "0.1.0"


def lazy(package: str) -> tuple[list[str], Callable[[str], object], Callable[[], list[str]]]:
    """Return `__all__`, `__getattr__` and `__dir__` of a package that imports its public names when they are first used.

    The names and their modules are read from the imports under `if TYPE_CHECKING:` in the package's own file, so that type
    checkers and the program use the same list.  No public name may also be the name of a module of that package: once
    imported, the module would replace the public name.
    """
    homes = public_homes(package)

    def resolve(name: str) -> object:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        home = homes[name]
        return import_module(f"{package}.{name}") if home == package else getattr(import_module(home), name)

    def listed() -> list[str]:
        return sorted({*vars(sys.modules[package]), *homes})

    return sorted(homes), resolve, listed


def public_homes(package: str) -> dict[str, str]:
    """Read which names a package's file imports for type checkers: name -> module of the name.

    For a module of the package itself, the module of the name is the package.
    """
    spec = sys.modules[package].__spec__
    source = spec.loader.get_source(package)  # type: ignore[union-attr]  # every loader of Python files has it
    return {
        name.name: statement.module
        for block in ast.parse(source).body
        if isinstance(block, ast.If) and isinstance(block.test, ast.Name) and block.test.id == "TYPE_CHECKING"
        for statement in block.body
        if isinstance(statement, ast.ImportFrom) and statement.module
        for name in statement.names
    }

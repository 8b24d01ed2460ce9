"""byheart version: what is installed."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed

from byheart._version import __version__

__all__ = ["version"]

PARTS = ("torch", "numpy", "scipy", "scikit-learn", "pydantic", "tyro", "safetensors", "matplotlib", "pillow")


def version() -> int:
    """Say the versions of byheart and of what it stands on."""
    print(
        f"byheart {__version__}\npython {platform.python_version()}  {platform.system()} {platform.machine()}"
    )
    for part in PARTS:
        print(part, _version(part))
    return 0


def _version(part: str) -> str:
    try:
        return installed(part)
    except PackageNotFoundError:
        return "is not installed"

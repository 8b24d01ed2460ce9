"""matplotlib as every figure is drawn with it: its own defaults and the settings below, never the user's.

A notebook's MPLBACKEND, text.usetex in a matplotlibrc or a damaged font cache would otherwise end a finished audit in an
error.  No pyplot: no window, no state.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import chdir, contextmanager
from functools import cache
from pathlib import Path
from types import ModuleType

__all__ = ["own_settings"]

SETTINGS = {"svg.fonttype": "none", "svg.hashsalt": "byheart"}
"""Text stays text, and the same figure gives the same bytes."""

NEUTRAL = {"MPLBACKEND": None, "MATPLOTLIBRC": os.devnull}
"""An environment in which matplotlib can be imported whatever the user's settings are."""

FONT = "DejaVu Sans"  # comes with matplotlib


@contextmanager
def own_settings() -> Iterator[None]:
    """Make and save figures with the same settings everywhere; the user's are put back at the end.

    Artists read the settings when they are made, and again when they are drawn.  Therefore every function that returns a
    figure is decorated with `own_settings()`, and saving happens inside it, too.
    """
    matplotlib = _matplotlib()
    defaults = dict(matplotlib.rcParamsDefault.copy())
    del defaults["backend"]  # of windows alone, and `rc_context` does not put it back
    with matplotlib.rc_context(defaults | SETTINGS):
        yield


@cache
def _matplotlib() -> ModuleType:
    """Import matplotlib, without the user's settings where they keep it from being imported."""
    try:
        import matplotlib
    except ImportError:
        raise
    except Exception:  # a backend that is not installed here, a matplotlibrc that cannot be read
        _forget()
        # A matplotlibrc in the current folder goes before the one that the environment names.
        with _environment(NEUTRAL), chdir(Path(__file__).parent):
            import matplotlib
    _mend_fonts()
    return matplotlib


def _forget() -> None:
    """Remove what a failed import has left, so that the next import begins anew."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        del sys.modules[name]


@contextmanager
def _environment(values: Mapping[str, str | None]) -> Iterator[None]:
    """Set environment variables for a while.  values: None removes one."""
    before = {name: os.environ.get(name) for name in values}
    _set(values)
    try:
        yield
    finally:
        _set(before)


def _set(values: Mapping[str, str | None]) -> None:
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def _mend_fonts() -> None:
    """Look for fonts anew where the cache of the list of fonts is damaged."""
    from matplotlib import font_manager

    fonts = font_manager.fontManager
    try:
        fonts.findfont(FONT, fallback_to_default=False)
    except Exception:
        # In place: other modules of matplotlib hold the list.
        vars(fonts).update(vars(font_manager.FontManager()))

"""Figures are the same bytes whatever the user's matplotlib is set to, and drawing leaves the user's settings alone."""

import ast
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

import byheart
from byheart.report.panels import Line, Panel, panel_figure
from byheart.report.vector import png, svg

PANEL = Panel("head", "caption", "x", "share of $x$", [Line("a", [1, 2], [3, 4], style="line")])

DRAWN = """
from hashlib import sha256
from test_drawing import picture
print(sha256(picture()).hexdigest())
"""


def picture() -> bytes:
    return svg(panel_figure(PANEL), "a", "b").encode() + png(panel_figure(PANEL))


def in_surroundings(folder: Path, **variables: str) -> str:
    """Draw in a process of its own with these environment variables; the digest of what it drew."""
    paths = [str(Path(byheart.__file__).parents[1]), str(Path(__file__).parent)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), **variables}
    drawn = subprocess.run(
        [sys.executable, "-c", DRAWN], env=environment, cwd=folder, capture_output=True, text=True
    )
    assert drawn.returncode == 0, drawn.stderr
    return drawn.stdout.strip()


@pytest.mark.parametrize("surroundings", ["notebook", "usetex", "undecodable", "style", "fonts"])
def test_surroundings_change_no_bit(surroundings, tmp_path):
    match surroundings:
        case "notebook":
            variables = {"MPLBACKEND": "module://matplotlib_inline.backend_inline"}
        case "usetex":  # and a folder for settings that cannot be made
            (tmp_path / "matplotlibrc").write_text("text.usetex: True\nfont.family: Nope\n")
            variables = {"MPLCONFIGDIR": "/proc/nowhere", "HOME": "/proc/nowhere"}
        case "undecodable":
            (tmp_path / "matplotlibrc").write_bytes(b"text.usetex: \xff\xfe\n")
            variables = {}
        case "style":
            (tmp_path / "matplotlibrc").write_text("axes.prop_cycle: nonsense\nlines.linewidth: 7\nfoo: 1\n")
            (tmp_path / "stylelib").mkdir()
            (tmp_path / "stylelib/broken.mplstyle").write_bytes(b"\xff\xfe")
            variables = {"MPLCONFIGDIR": str(tmp_path)}
        case _:
            from matplotlib.font_manager import FontManager

            (tmp_path / f"fontlist-v{FontManager.__version__}.json").write_text(
                f'{{"__class__": "FontManager", "_version": "{FontManager.__version__}", "ttflist": ["x"]}}'
            )
            variables = {"MPLCONFIGDIR": str(tmp_path)}
    assert in_surroundings(tmp_path, **variables) == hashlib.sha256(picture()).hexdigest()


def test_settings_of_the_user_change_no_figure_and_are_put_back():
    import matplotlib

    plain = picture()
    own = {"lines.linewidth": 9.0, "axes.facecolor": "red", "savefig.bbox": "tight", "svg.fonttype": "path"}
    with matplotlib.rc_context(own):
        assert picture() == plain
        assert {name: matplotlib.rcParams[name] for name in own} == own


def test_every_function_that_makes_a_figure_has_the_own_settings():
    bare = [
        f"{file.name}:{node.name}"
        for file in Path(byheart.__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.FunctionDef)
        and node.returns is not None
        and "Figure" in [name.id for name in ast.walk(node.returns) if isinstance(name, ast.Name)]
        and "own_settings()" not in [ast.unparse(decorator) for decorator in node.decorator_list]
    ]
    assert bare == []


def test_nothing_draws_through_pyplot():
    users = [
        file.name
        for file in Path(byheart.__file__).parent.rglob("*.py")
        if "matplotlib.pyplot" in file.read_text()
    ]
    assert users == []

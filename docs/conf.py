"""The documentation: MyST pages, with the parts that would grow old made from the package at build time."""

import os
import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

os.environ["COLUMNS"] = "100"
sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

import byheart
from byheart._version import public_homes
from byheart.cli import VERBS, main, overview
from byheart.experiments.runs.curves import in_order
from byheart.experiments.study.recipe import load_study
from byheart.experiments.study.records import read_run_records
from byheart.experiments.study.scoreboard import all_rows, standings
from byheart.studies.onset.gather import headline_picture

project, author, copyright = "byheart", "The byheart authors", "2026, the byheart authors"
version = release = byheart.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["_build"]
myst_enable_extensions = ["dollarmath", "deflist", "colon_fence"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = f"byheart {version}"
autodoc_default_options = {"members": True}
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"

MADE = Path(__file__).parent / "_build" / "made"


def helps() -> dict[str, str]:
    """Verb -> what its --help prints."""
    texts = {"overview": overview()}
    for verb in VERBS:
        with redirect_stdout(StringIO()) as written:
            main([*verb.split(), "--help"])
        texts[verb.replace(" ", "-")] = written.getvalue()
    return texts


def scoreboard(prefix: str = "") -> str:
    """Every row of the claims' record as a table; of the claims whose ids begin so only."""

    def number(value):
        return "–" if value is None else f"{value:.3g}"

    lines = ["| claim | scale | measured | 95 % | accepted | verdict | statement |", "| --- " * 7 + "|"]
    for row in all_rows():
        if not row["id"].startswith(prefix):
            continue
        interval, accepted = (
            f"{number(low)} … {number(high)}" for low, high in ((row["low"], row["high"]), row["accept"])
        )
        cells = (
            row["id"],
            row["scale"],
            number(row["measured"]),
            interval,
            accepted,
            row["verdict"] or "not measured",
        )
        lines.append("| " + " | ".join((*cells, row["statement"])) + " |")
    return "\n".join(lines) + "\n"


def onset_figure() -> bytes:
    """The onset study's first figure, from the committed records of its main arm."""
    study = load_study("onset")
    known, runs = read_run_records(study.name, "cpu"), study.runs("cpu")[study.main_arm]
    return headline_picture(in_order(known[run.id].curve for run in runs))


def names() -> str:
    """The public names at the top, with their homes and first sentences."""
    lines = ["| name | from | |", "| --- | --- | --- |"]
    for name, home in sorted(public_homes("byheart").items()):
        if home == "byheart":
            continue  # a room, which has its own pages
        first = (getattr(byheart, name).__doc__ or "").strip().split("\n")[0]
        first = first.translate({ord(mark): f"\\{mark}" for mark in "|*<"})
        lines.append(f"| `byheart.{name}` | `{home}` | {first} |")
    return "\n".join(lines) + "\n"


def make_pages(app):
    """Write what the pages include."""
    MADE.mkdir(parents=True, exist_ok=True)
    for name, text in helps().items():
        (MADE / f"{name}.txt").write_text(text)
    (MADE / "names.md").write_text(names())
    (MADE / "scoreboard.md").write_text(scoreboard())
    (MADE / "planted.md").write_text(scoreboard("A-"))
    (MADE / "onset.png").write_bytes(onset_figure())
    lines = "\n".join(standing.line for standing in standings())
    (MADE / "standings.md").write_text(f"```\n{lines}\n```\n")


def plain_docstring(app, what, name, thing, options, lines):
    """Our docstrings are plain text with formulas and tables: the first paragraph as prose, the rest as it stands."""
    end = lines.index("") if "" in lines else len(lines)
    first, rest = lines[:end], lines[end:]
    while rest and not rest[-1].strip():
        rest.pop()
    escaped = [line.translate({ord(mark): f"\\{mark}" for mark in "*|_`\\"}) for line in first]
    block = [".. code-block:: text", "", *("   " + line for line in rest[1:])] if rest else []
    lines[:] = [*escaped, "", *block, ""]


def setup(app):
    """Connect the above."""
    app.connect("builder-inited", make_pages)
    app.connect("autodoc-process-docstring", plain_docstring)

"""What the pages say works: every command, every recipe, and the tour of the README."""

import re
import shlex
import tomllib
from pathlib import Path

import pytest

from byheart import cli
from byheart.experiments.catalog import RECIPES
from byheart.experiments.study.recipe import Study, load_study
from byheart.experiments.study.scoreboard import all_rows, standings
from byheart.experiments.sweeps.sweep import Sweep

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("**/*.md"))]
PAGES = [page for page in PAGES if "_build" not in page.parts]


def blocks(page: Path, language: str) -> list[str]:
    """Fenced blocks of a language, `` for none."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), flags=re.S | re.M)


def commands() -> list[str]:
    """Every line in a block that calls byheart."""
    lines = [line for page in PAGES for block in blocks(page, "") for line in block.splitlines()]
    return sorted({line.partition("#")[0].strip() for line in lines if line.startswith("byheart ")})


def test_pages_show_commands():
    assert len(commands()) >= 8


@pytest.mark.parametrize("line", commands())
def test_commands_exist_with_their_flags(line, capsys):
    words = shlex.split(line)[1:]
    verb = " ".join(words[:2]) if " ".join(words[:2]) in cli.VERBS else words[0]
    assert cli.main([*verb.split(), "--help"]) == 0
    helped = capsys.readouterr().out
    assert [flag for flag in words if flag.startswith("--") and flag not in helped] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_recipes_are_valid(page):
    for block in blocks(page, "toml"):
        recipe = tomllib.loads(block)
        if "scales" in recipe:
            study = Study.model_validate(recipe)
            assert all(study.runs(scale) for scale in study.scales)
        else:
            assert Sweep.model_validate(recipe).runs()


def test_how_long_a_scale_takes_is_said_as_the_study_says_it():
    onset = load_study("onset")
    takes = {onset.scale(scale).takes for scale in ("demo", "cpu")}
    pages = [ROOT / "README.md", ROOT / "Makefile", ROOT / "docs/tutorials/first-light.md"]
    said = [
        text for page in pages for text in re.findall(r"(?:\d+ to )?\S+ minutes\b[^,.;:)]*", page.read_text())
    ]
    assert len(said) >= 4
    assert set(said) <= takes
    assert "minutes" not in (RECIPES / "onset" / "study.toml").read_text().partition("name =")[0]


def test_the_readme_leads_with_how_the_claims_stand():
    first = blocks(ROOT / "README.md", "")[0]
    assert first.splitlines() == [standing.line for standing in standings()]


def test_the_readme_quotes_exponents_as_they_were_measured():
    rows = {row["id"]: row for row in all_rows() if row["scale"] == "cpu"}
    text = " ".join((ROOT / "README.md").read_text().split())
    for claim, quoted in (
        ("S3-A", "{:.2f}, 95 % interval {:.2f} to {:.2f}"),
        ("B-S3-A-unet", "{:.2f} ({:.2f} to {:.2f})"),
    ):
        measured = (rows[claim][name] for name in ("measured", "low", "high"))
        assert f"exponent {quoted.format(*measured)}" in text


def test_a_study_of_widths_has_two():
    (recipe,) = [
        tomllib.loads(block)
        for block in blocks(ROOT / "docs/reference/studies.md", "toml")
        if "width" in block
    ]
    assert len({arm["base"]["model"]["width"] for arm in recipe["arms"].values()}) >= 2


def test_the_tour_of_the_readme_runs(capsys):
    (tour,) = blocks(ROOT / "README.md", "python")
    exec("\n".join(line for line in tour.splitlines() if "…" not in line), {})
    f_mem, low, high, gap = map(float, capsys.readouterr().out.split())
    assert f_mem == 1.0
    assert low <= f_mem <= high
    assert gap > 0

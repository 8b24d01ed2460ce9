"""Habits of the house: sizes, randomness, files, words."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import byheart

PACKAGE = Path(byheart.__file__).parent
ROOT = Path(__file__).parents[1]
FILES = sorted(PACKAGE.rglob("*.py"))
TEXTS = [
    path
    for pattern in (
        "*.md",
        "*.cff",
        "*.toml",
        "Makefile",
        ".ci/*",
        "src/**/*.*",
        "tests/**/*.*",
        "docs/**/*.md",
    )
    for path in ROOT.glob(pattern)
    if path != Path(__file__)
    and path.suffix in {".py", ".md", ".toml", ".cff", ".html", ".css", ".js", ".json", ""}
    and not {"_build", "__pycache__"} & set(path.parts)
]

FORBIDDEN = {
    "unfinished work": r"\b(TODO|FIXME|XXX|HACK|NotImplementedError)\b",
    "a path of one machine": r"(?<![\w.])/(home|root|tmp|work)/\w",
    "an index of one machine": r"--(extra-)?index-url\s+https?://(?!download\.pytorch\.org)|--find-links\s+/",
}
IN_CODE = {
    "global random state": r"\b(torch\.manual_seed|np\.random\.(?!RandomState|default_rng)\w+|numpy\.random\.(seed|rand\w*|normal)|random\.seed)\(",
    "a pickle": r"\bpickle\.|weights_only=False|allow_pickle=True",
    "a metric through cdist": r"torch\.cdist\(",
}


def found(pattern: str, files: list[Path]) -> list[str]:
    return [
        f"{file.relative_to(ROOT)}:{row}: {line.strip()}"
        for file in files
        for row, line in enumerate(file.read_text().splitlines(), 1)
        if re.search(pattern, line)
    ]


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_text_holds(what: str):
    assert found(FORBIDDEN[what], TEXTS) == []


@pytest.mark.parametrize("what", IN_CODE)
def test_no_code_uses(what: str):
    assert found(IN_CODE[what], FILES) == []


def test_the_patterns_see_what_they_forbid():
    lines = ["x = 1  # TODO later", "open('/home/me/x')", "pip install --find-links /wheels x"]
    assert all(re.search(pattern, line) for pattern, line in zip(FORBIDDEN.values(), lines, strict=True))
    lines = ["torch.manual_seed(0)", "pickle.load(stream)", "torch.cdist(a, b)"]
    assert all(re.search(pattern, line) for pattern, line in zip(IN_CODE.values(), lines, strict=True))


def calls(file: Path) -> Iterator[ast.Call]:
    return (node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call))


def test_nothing_below_the_command_line_prints():
    below = [
        file for file in FILES if file.relative_to(PACKAGE).parts[0] != "cli" and file.name != "__main__.py"
    ]
    named = [(file, call) for file in below for call in calls(file) if isinstance(call.func, ast.Name)]
    assert [f"{file}:{call.lineno}" for file, call in named if call.func.id == "print"] == []


def test_files_have_at_most_400_lines():
    assert [str(file) for file in FILES if len(file.read_text().splitlines()) > 400] == []


def code_lines(function: ast.FunctionDef, text: list[str]) -> int:
    """Lines of a function that are not blank, comment or docstring."""
    first = function.body[0]
    docstring = first if ast.get_docstring(function) is not None else None
    skipped = range(docstring.lineno, (docstring.end_lineno or 0) + 1) if docstring else range(0)
    rows = range(function.lineno, (function.end_lineno or 0) + 1)
    return sum(row not in skipped and not re.match(r"\s*(#|$)", text[row - 1]) for row in rows)


def test_functions_have_at_most_60_code_lines():
    lengths = {
        f"{file.name}:{node.lineno} {node.name}": code_lines(node, file.read_text().splitlines())
        for file in FILES
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.FunctionDef)
    }
    assert {where: lines for where, lines in lengths.items() if lines > 60} == {}


def test_the_pins_name_no_machine():
    pins = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", pin) for pin in pins)
    assert "torch==2.13.0" in pins


def test_the_version_is_said_once():
    assert f'version = "{byheart.__version__}"' in (ROOT / "pyproject.toml").read_text()

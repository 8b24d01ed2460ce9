"""Names that would move a terminal's cursor, end a line or are no text: no verb prints them as they are."""

import os

import numpy as np
import pytest
from PIL import Image

from byheart import cli
from byheart._checks import InputError

NASTY = "a\x1b[31m\nb\r\u202e" + os.fsdecode(b"\xff")
WRITTEN = r"a\x1b[31m\nb\r\u202e\udcff"

REFUSED = {
    "audit --samples": ["audit", "--samples", "{}", "--train", "digits:0-60"],
    "audit --train": ["audit", "--samples", "digits:0-60", "--train", "{}"],
    "audit --heldout": ["audit", "--samples", "digits:0-60", "--train", "digits:60-120", "--heldout", "{}"],
    "audit --denoiser": ["audit", "--samples", "digits:0-60", "--train", "digits:60-120", "--denoiser", "{}"],
    "audit --features": [
        "audit",
        "--samples",
        "digits:0-60",
        "--train",
        "digits:60-120",
        "--features",
        "{}.pt",
    ],
    "audit --html": ["audit", "--samples", "x", "--train", "y", "--html", "{}/out.html"],
    "audit code": ["audit", "--samples", "{}/code.py:f", "--train", "y"],
    "dedup": ["dedup", "{}"],
    "dedup --csv": ["dedup", "x", "--csv", "{}/out.csv"],
    "study": ["study", "{}"],
    "study --data": ["study", "onset", "--data", "{}"],
    "sweep": ["sweep", "{}.toml"],
    "run": ["run", "{}"],
    "ls --table": ["ls", "--table", "{}/x.csv"],
    "report": ["report", "{}"],
    "claims": ["claims", "--measure", "{}"],
    "sample --run": ["sample", "--run", "{}"],
    "sample --data": ["sample", "--closed-form", "empirical", "--data", "{}"],
    "sample --out": ["sample", "--closed-form", "empirical", "--out", "{}/a.png"],
    "crossover": ["theory", "crossover", "--data", "{}"],
    "crossover --figure": ["theory", "crossover", "--figure", "{}.jpg"],
    "collapse": ["theory", "collapse", "--data", "{}"],
    "collapse --run": ["theory", "collapse", "--run", "{}"],
    "terminal": ["theory", "terminal", "--data", "{}"],
    "a verb": ["{}"],
    "a verb of a group": ["theory", "{}"],
    "an option": ["ls", "--{}"],
    "a number": ["sample", "--count", "{}"],
}


def refusal(words, capsys):
    assert cli.main(words) == 1
    written = capsys.readouterr()
    lines = written.err.split("\n")
    said = [line for line in lines if line.startswith(("error: got ", "need: ", "remedy: "))]
    assert len(said) == 3 and lines[-4:] == [*said, ""], written.err
    assert all(line.isprintable() for line in lines)
    assert written.out == ""
    return said


@pytest.mark.parametrize("words", REFUSED.values(), ids=REFUSED)
def test_a_refusal_writes_such_a_name_out(words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    said = refusal([word.format(NASTY) for word in words], capsys)
    assert r"\x1b[31m" in "".join(said)


FILES = {
    "audit": ["audit", "--samples", "x", "--train", "digits:0-60"],
    "dedup": ["dedup", "x"],
    "study": ["study", "onset", "--data", "x"],
    "collapse": ["theory", "collapse", "--data", "x"],
    "crossover": ["theory", "crossover", "--data", "x"],
    "terminal": ["theory", "terminal", "--data", "x"],
    "sample": ["sample", "--closed-form", "empirical", "--data", "x"],
}


@pytest.mark.parametrize("words", FILES.values(), ids=FILES)
@pytest.mark.parametrize("content", ["junk", "another size"])
def test_files_of_such_names_are_all_listed(content, words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "x"
    folder.mkdir()
    for row in range(6):
        Image.fromarray(np.full((16, 16), 40 * row, np.uint8)).save(folder / f"{row}.png")
    (folder / "zero.png").write_text("junk")
    if content == "junk":
        (folder / f"{NASTY}.png").write_text("junk")
    else:
        Image.fromarray(np.zeros((17, 19), np.uint8)).save(folder / f"{NASTY}.png")
    error = refusal(words, capsys)[0]
    if content == "junk":
        assert r"a\x1b[31m\nb" in error and "zero.png" in error


def test_in_python_a_refusal_writes_them_out_too():
    error = InputError(got=NASTY, need="b", remedy="c")
    assert str(error) == f"got {WRITTEN}; need b; c"
    assert error.got == NASTY

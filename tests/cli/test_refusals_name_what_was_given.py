"""A refusal names the options that were given, and none besides."""

import re

import pytest

from byheart import cli

FLAG = re.compile(r"--[a-z-]+")

REFUSED = [
    ["theory", "crossover", "--distinct"],
    ["theory", "crossover", "--size", "8"],
    ["theory", "crossover", "--restarts", "1"],
    ["theory", "crossover", "--samples", "0"],
    ["study", "onset", "--size", "8"],
    ["study", "onset", "--heldout", "8", "--distinct"],
    ["sample", "--run", "x", "--std", "1"],
    ["claims", "--record"],
    ["claims", "--dry-run"],
    ["theory", "terminal", "--kappa", "1", "--size", "8"],
]


@pytest.mark.parametrize("words", REFUSED, ids=" ".join)
def test_the_first_line_names_no_other_option(words, capsys):
    assert cli.main(words) == 1
    error = capsys.readouterr().err.splitlines()[0].partition(" without ")[0]
    assert set(FLAG.findall(error)) <= set(words) and FLAG.search(error)


@pytest.mark.parametrize(
    ("words", "got"),
    [
        (["--planted", "1"], "1 test copies of each kind"),
        (["--queries", "1"], "1 queries (training images that are compared with the others)"),
        (["--alpha", "0.7"], "alpha = 0.7"),
        (["--workers", "0"], "a search with 0 workers"),
        (["--workers", "2"], "workers with digits:0-60, which is not in shards"),
        (["--address", "a:1"], "the address 'a:1' without the executor ray"),
    ],
)
def test_an_audit_names_the_setting_that_is_wrong_alone(words, got, capsys):
    assert cli.main(["audit", "--samples", "digits:60-90", "--train", "digits:0-60", *words]) == 1
    assert f"error: got {got}\n" in capsys.readouterr().err

"""The entry point: verbs, exit codes, where output goes, and what is not imported."""

import importlib
import inspect
import re
import subprocess
import sys

import pytest

import byheart
from byheart import cli

HEAVY = {"torch", "scipy", "sklearn", "matplotlib"}


def heavy_after(*arguments: str) -> tuple[int, set[str]]:
    """Exit code of a command in a fresh process, and the heavy packages it left imported."""
    code = (
        "import sys; from byheart.cli import main; code = main(sys.argv[1:]); "
        f"print('HEAVY', code, *({HEAVY!r} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True, timeout=60
    )
    code, *heavy = done.stdout.split("HEAVY")[1].split()
    return int(code), set(heavy)


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["study", "--help"], ["ls"], ["claims"], ["claims", "--json"], ["data", "ls"], ["version"]],
    ids=" ".join,
)
def test_light_verbs_import_nothing_heavy(arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert heavy_after(*arguments) == (0, set())


def test_the_probe_for_heavy_imports_sees_one():
    code, heavy = heavy_after("sample", "--closed-form", "gaussian", "--data", "no such data")
    assert code == 1
    assert "torch" in heavy


@pytest.mark.parametrize("verb", ["study", "ls"])
def test_parsing_imports_no_type_checker(verb):
    code = "import sys; from byheart.cli import main; main(sys.argv[1:]); print('typeguard' in sys.modules)"
    words = [sys.executable, "-c", code, verb, "--help"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout.split()[-1] == "False"


def test_help_needs_no_parser():
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "byheart", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    imported = {line.split("|")[-1].strip().split(".")[0] for line in done.stderr.splitlines()}
    assert "byheart" in imported
    assert not imported & (HEAVY | {"tyro", "pydantic", "rich", "numpy"})


@pytest.mark.parametrize("verb", cli.VERBS)
def test_every_verb_is_there_and_says_what_it_does(verb, capsys):
    place = verb.split()
    function = getattr(importlib.import_module(".".join(["byheart.cli", *place])), place[-1])
    assert inspect.getdoc(function).split("\n")[0] == cli.VERBS[verb]
    assert cli.main([*verb.split(), "--help"]) == 0
    said = capsys.readouterr().out
    assert cli.VERBS[verb] in said
    words = " ".join(said.replace("│", " ").split())
    assert not any(f"(default: {nothing})" in words for nothing in ("None", "False", "()"))
    assert f"  {verb} " in cli.overview()


def test_help_keeps_defaults_that_say_something(capsys):
    assert cli.main(["audit", "--help"]) == 0
    said = capsys.readouterr().out
    assert "(default: 0.01)" in said and "(default: pac)" in said
    assert re.search(r"same seed gives the same result\.\W+\(default: 0\)", said)


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"], ["help"]], ids=str)
def test_help_goes_to_stdout(arguments, capsys):
    assert cli.main(arguments) == 0
    written = capsys.readouterr()
    assert written.out == cli.overview() + "\n"
    assert written.err == ""


@pytest.mark.parametrize(
    "arguments",
    [["nosuch"], ["data", "nosuch"], ["study"], ["ls", "--nosuch"], ["sample", "--count", "many"]],
    ids=" ".join,
)
def test_usage_errors_exit_with_1_and_keep_stdout_empty(arguments, capsys):
    assert cli.main(arguments) == 1
    written = capsys.readouterr()
    assert written.out == ""
    lines = written.err.splitlines()
    assert [line.split(" ")[0] for line in lines] == ["error:", "need:", "remedy:"]
    assert all(len(line) > len("remedy: ") for line in lines)


@pytest.mark.parametrize(
    ("arguments", "word"), [(["ls", "--nosuch"], "--nosuch"), (["sample", "--count", "many"], "--count")]
)
def test_a_usage_error_names_the_argument(arguments, word, capsys):
    assert cli.main(arguments) == 1
    assert word in capsys.readouterr().err.splitlines()[0]


def test_the_version_alone(capsys):
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"byheart {byheart.__version__}\n"


@pytest.mark.parametrize("arguments", [["data"], ["data", "--help"], ["data", "-h"]], ids=" ".join)
def test_a_group_says_its_verbs(arguments, capsys):
    assert cli.main(arguments) == 0
    written = capsys.readouterr()
    assert cli.VERBS["data ls"] in written.out
    assert cli.VERBS["study"] not in written.out
    assert written.err == ""


@pytest.mark.parametrize(
    ("arguments", "got", "need", "meant"),
    [
        (["stduy"], "the verb 'stduy'", "one of audit, dedup, study, ", "study"),
        (["study", "onset", "--scal", "demo"], "the option --scal, ", "one of --scale, ", "--scale"),
        (["study", "--hepl"], "the option --hepl, ", "one of --scale, ", "--help"),
        (["sample", "--solver", "hun"], "--solver hun", "one of ancestral, euler, heun", "heun"),
        (["sample", "--channels", "2"], "--channels 2", "one of 1, 3", None),
        (
            ["sample", "--closed-form", "empircal"],
            "--closed-form empircal",
            "one of empirical, partial, smoothed, gaussian",
            "empirical",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_the_nearest_word_that_exists_is_named_once(arguments, got, need, meant, capsys):
    assert cli.main(arguments) == 1
    error, needed, remedy = capsys.readouterr().err.splitlines()
    assert error.startswith(f"error: got {got}")
    assert needed.startswith(f"need: {need}")
    assert (f"did you mean {meant}?" in remedy) is (meant is not None)
    assert "None" not in error + needed + remedy


@pytest.mark.parametrize("choices", ["{1,3}", "{empirical,partial,smoothed,gaussian}"])
def test_help_lists_choices_without_none(choices, capsys):
    assert cli.main(["sample", "--help"]) == 0
    assert choices in capsys.readouterr().out


@pytest.mark.parametrize(
    ("verb", "positional"),
    [("study", "STUDY"), ("sweep", "FILE.toml"), ("run", "RUN"), ("report", "FOLDER|FILE.json")],
)
def test_usage_shows_what_stands_without_a_flag(verb, positional, capsys):
    assert cli.main([verb, "--help"]) == 0
    usage = capsys.readouterr().out.split("\n\n")[0]
    assert usage.startswith(f"usage: byheart {verb} [-h]")
    assert positional in usage.split()


def test_an_error_is_three_lines_on_stderr(capsys):
    assert cli.main(["nosuch"]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(" ")[0] for line in lines] == ["error:", "need:", "remedy:"]
    assert lines[0] == "error: got the verb 'nosuch'"


def test_debug_shows_the_traceback():
    with pytest.raises(ValueError, match="nosuch"):
        cli.main(["nosuch", "--debug"])


@pytest.mark.parametrize(
    ("words", "continues"),
    [
        (["study", "onset"], True),
        (["ls"], False),
        (["audit"], False),
        (["audit", "--checkpoints", "c"], True),
    ],
)
def test_an_interrupt_says_whether_the_same_command_continues(words, continues, monkeypatch, capsys):
    def interrupted(words):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_carry_out", interrupted)
    assert cli.main(words) == 130
    said = capsys.readouterr().err
    assert "interrupted" in said and ("the same command continues where it stopped" in said) == continues

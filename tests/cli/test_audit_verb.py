"""byheart audit and byheart dedup, as a shell sees them: exit codes, files, the terminal, and every refusal."""

import json
import os
import re
import signal
import subprocess
import sys
from csv import DictReader
from io import StringIO

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn.functional import interpolate

from byheart import _records
from byheart.auditing.dedup_result import DedupResult
from byheart.auditing.record import Pose
from byheart.auditing.result import AuditResult
from byheart.cli import main
from byheart.data import pictures
from byheart.data.named import load
from byheart.data.spec import Data
from byheart.experiments.runs.execute import execute
from byheart.experiments.runs.run import parse_run

N, M, COPIES, FRESH = 120, 110, 20, 20
RARE = ["--planted", "4"]
READING = "reading the images"
NASTY = "<img src=x onerror=alert(1)>&\x1b[31m\u202e\n[red]:smile:"
"""HTML, an escape sequence, a direction mark, a new line, and what the terminal library takes for markup."""


@pytest.fixture(scope="module")
def digits():
    """(n, 28, 28) bytes, shuffled."""
    found = load(Data(name="digits"))
    order = torch.randperm(len(found), generator=torch.Generator().manual_seed(8))
    small = found.to_pixels(found.images[order]).float().clamp(0, 1)
    large = interpolate(small, size=28, mode="bicubic", align_corners=False).clamp(0, 1)
    return (large * 255).round().to(torch.uint8)[:, 0].numpy()


@pytest.fixture(scope="module")
def place(digits, tmp_path_factory):
    """train.npy, heldout.npy, fresh.npy, and made/, in which the first images are copies under nasty names."""
    folder = tmp_path_factory.mktemp("audit")
    np.save(folder / "train.npy", digits[:N])
    np.save(folder / "heldout.npy", digits[N : N + M])
    np.save(folder / "fresh.npy", digits[N + M : N + M + 2 * FRESH])
    made = folder / "made" / "deep"
    made.mkdir(parents=True)
    for row in range(COPIES):
        Image.fromarray(digits[row]).save(made / f"{row}{NASTY}.png")
    for row in range(FRESH):
        Image.fromarray(digits[N + M + row]).save(made / f"fresh {row}.png")
    return folder


@pytest.fixture
def at(place, monkeypatch):
    monkeypatch.chdir(place)
    return place


def audit(*words, samples="made", train="train.npy", heldout="heldout.npy") -> int:
    given = ["--samples", samples, "--train", train] + ([] if heldout is None else ["--heldout", heldout])
    return main(["audit", *given, *words])


@pytest.fixture(scope="module")
def convicted(place):
    """One audit in a process of its own: what it wrote, and how it ended."""
    words = ["audit", "--samples", "made", "--train", "train.npy", "--heldout", "heldout.npy", *RARE]
    files = ["--json", "out.json", "--html", "out.html"]
    done = subprocess.run(
        [sys.executable, "-m", "byheart", *words, *files],
        cwd=place,
        capture_output=True,
        text=True,
        timeout=300,
    )
    return done, place / "out.json", place / "out.html"


def three_lines(capsys) -> list[str]:
    """Of a refusal: what follows error, need and remedy.  Nothing else was said."""
    written = capsys.readouterr()
    lines = written.err.splitlines()
    lines = lines[lines.index(READING) + 1 :] if READING in lines else lines
    assert written.out == ""
    assert [line.partition(": ")[0] for line in lines] == ["error", "need", "remedy"]
    assert all(line.isprintable() for line in lines)
    return [line.partition(": ")[2] for line in lines]


def test_copies_end_with_2_and_the_verdict_is_the_first_line(convicted):
    done, _, _ = convicted
    assert done.returncode == 2
    first, *rest = done.stdout.splitlines()
    assert first.startswith("copying  The samples contain copies of training images: ")
    said = re.search(
        r"(\d+) samples are flagged.*; about ([\d.]+) of \d+ samples would be flagged by chance",
        done.stdout,
    )
    assert int(said[1]) >= COPIES - 2
    assert float(said[2]) == pytest.approx(3 * (COPIES + FRESH) / (M + 1), abs=0.06)  # rank 1, three channels
    assert rest[-2:] == ["HTML page: out.html", "JSON: out.json"]
    assert done.stderr.splitlines()[:2] == [READING, "comparing training images with each other"]
    assert len(done.stderr.splitlines()) == len(set(done.stderr.splitlines()))


def test_the_json_file_holds_the_whole_result(convicted):
    result = AuditResult.read(convicted[1])
    assert (result.verdict, result.inputs.samples.count) == ("copying", COPIES + FRESH)
    accused = [pair for pair in result.pairs if pair.channel == "whole" and pair.flagged]
    names = {f"deep/{row}{NASTY}.png": f"row {row}" for row in range(COPIES)}
    right = [pair for pair in accused if names.get(pair.sample_name) in pair.train_names]
    assert len(right) >= COPIES - 2
    assert oct(convicted[1].stat().st_mode)[-3:] == "644"


def test_nothing_half_written_is_left_beside_it(convicted, place):
    assert {path.name for path in place.iterdir() if path.name.startswith(".")} == set()


def test_names_are_escaped_on_the_page(convicted):
    page = convicted[2].read_text()
    assert "<img src=x" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;&amp;" in page
    assert "\x1b" not in page and "\u202e" not in page


def test_names_are_printable_on_the_terminal(convicted):
    done, _, _ = convicted
    named = [line for line in done.stdout.splitlines() if "img src" in line]
    assert len(named) == 8  # one line each: the new line in a name is written out
    assert all(line.isprintable() for line in done.stdout.splitlines())
    assert all(
        r"onerror=alert(1)>&\x1b[31m\u202e\n[red]:smile:.png copies training image row " in line
        for line in named
    )


def test_fresh_samples_end_with_0(at, capsys):
    assert audit(*RARE, "--fail-above", "0", samples="fresh.npy") == 0
    written = capsys.readouterr().out
    assert written.startswith("no evidence  ") and "could have gone unseen" in written
    assert "copies training image" not in written and "page:" not in written


def test_a_trained_run_is_drawn_from_and_few_held_out_images_end_with_3(at, tmp_path, capsys):
    settings = {
        "kind": "training",
        "n": 16,
        "model": {"kind": "mlp", "width": 16, "blocks": 1},
        "training": {"steps": 10, "batch": 8, "lr": 1e-3},
        "plan": {"samples": 16, "grid": {"steps": 4}},
        "schedule": {"first": 10, "count": 1},
    }
    run = execute(parse_run(settings), tmp_path / "runs")
    words = ["--count", "36", "--root", str(tmp_path / "runs"), "--json", str(tmp_path / "few.json"), *RARE]
    assert audit(*words, samples=run.id[:6], train="digits:0-120", heldout="digits:120-210") == 3
    result = AuditResult.read(tmp_path / "few.json")
    assert result.inputs.samples.count == 36
    assert "36 samples of" in result.inputs.samples.name
    assert result.inputs.samples.shape == (1, 8, 8)
    assert result.signals  # the run is a denoiser: what its losses say stands beside the verdict
    assert capsys.readouterr().out.startswith("cannot tell  90 held-out images are too few")


@pytest.fixture
def answered(convicted, at, monkeypatch):
    """Answer audits with the convicted result, its verdict and its lower bound changed."""
    result = AuditResult.read(convicted[1])

    def answer(verdict, low):
        share = None if low is None else result.copy_share.model_copy(update={"low": low})
        changed = result.model_copy(update={"verdict": verdict, "copy_share": share})
        show(changed)
        return changed

    def show(changed):
        monkeypatch.setattr("byheart.auditing.audit.audit", lambda **settings: changed)

    answer.show = show
    return answer


@pytest.mark.parametrize(
    ("verdict", "low", "above", "code"),
    [
        ("no evidence", 0.0, None, 0),
        ("suspicious", 0.2, None, 0),
        ("copying", 0.2, None, 2),
        ("cannot tell", None, None, 3),
        ("copying", 0.2, "0.5", 2),  # a threshold acquits nobody
        ("suspicious", 0.2, "0.1", 2),
        ("suspicious", 0.2, "0.2", 0),
        ("no evidence", 0.0, "0", 0),
        ("cannot tell", 0.2, "0.1", 2),
        ("cannot tell", None, "0", 3),
    ],
)
def test_every_verdict_has_its_exit_code(verdict, low, above, code, answered, capsys):
    answered(verdict, low)
    assert audit(*([] if above is None else ["--fail-above", above])) == code
    assert capsys.readouterr().out.startswith(f"{verdict}  ")


@pytest.mark.parametrize(
    ("verdict", "channel", "said"),
    [
        ("copying", "whole", "sample a copies training image b (in the same pose; p = 0.01)"),
        ("no evidence", "whole", "sample a resembles training image b (in the same pose; p = 0.01)"),
        ("copying", "blend", "sample a resembles a mixture of training images b and c (p = 0.01)"),
        ("copying", "local", "one half of sample a resembles training image b (p = 0.01)"),
    ],
)
def test_a_flagged_pair_is_a_sentence(verdict, channel, said, answered, capsys):
    """Only tests that find copying say that an image is copied: here that of whole images."""
    result = answered(verdict, 0.2)
    names = ("b", "c") if channel == "blend" else ("b",)
    changes = {
        "sample_name": "a",
        "train_names": names,
        "channel": channel,
        "p": 0.01,
        "pose": Pose(),
        "flagged": True,
    }
    quiet = [each.model_copy(update={"fires": each.name == "whole"}) for each in result.channels]
    pair = result.pairs[0].model_copy(update=changes)
    answered.show(result.model_copy(update={"pairs": (pair,), "channels": tuple(quiet)}))
    audit()
    assert f"  {said}\n" in capsys.readouterr().out


def test_the_terminal_names_what_the_audit_misses_and_what_to_do(answered, capsys):
    answered("copying", 0.2)
    audit()
    said = capsys.readouterr().out
    assert "Detection table (copies of training images that the audit made itself" in said
    assert "inverted 0 %" in said and "\xa0" not in said
    assert "\n\n  Next: Look at the closest pairs." in said


def test_settings_reach_the_audit(at, monkeypatch):
    heard = {}

    def hear(**settings):
        heard.update(settings)
        raise KeyboardInterrupt

    monkeypatch.setattr("byheart.auditing.audit.audit", hear)
    words = (
        "--count 9 --channels 3 --pad zero --alpha 0.02 --rule marginal --allow-overlap --features whitened"
    )
    more = "--cache kept --planted 7 --queries 90 --seed 5 --workers 3 --executor ray --address auto --checkpoints here"
    more += " --orientation stored --fit squash --transparency hidden --white 4095"
    assert audit(*words.split(), *more.split(), samples="made", heldout=None) == 130
    heard.pop("tell")
    assert (str(heard.pop("cache")), str(heard.pop("checkpoints"))) == ("kept", "here")
    assert heard == {
        "samples": "made",
        "train": "train.npy",
        "heldout": None,
        "count": 9,
        "channels": 3,
        "pad": "zero",
        "alpha": 0.02,
        "rule": "marginal",
        "allow_overlap": True,
        "features": "whitened",
        "denoiser": None,
        "planted": 7,
        "queries": 90,
        "seed": 5,
        "workers": 3,
        "executor": "ray",
        "address": "auto",
        "orientation": "stored",
        "fit": "squash",
        "transparency": "hidden",
        "white": 4095,
    }


def test_a_reader_who_has_seen_enough_does_not_change_the_exit_code(answered, monkeypatch):
    answered("copying", 0.2)
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        assert audit() == 2


@pytest.mark.parametrize("suffix", ["json", "html"])
def test_an_interrupt_while_writing_leaves_what_was_there(suffix, answered, tmp_path, monkeypatch):
    answered("copying", 0.2)
    file = tmp_path / f"kept.{suffix}"
    file.write_text("old")

    def interrupt(handle):
        assert any(path.stat().st_size for path in tmp_path.iterdir() if path != file)  # it was being written
        raise KeyboardInterrupt

    monkeypatch.setattr(_records.os, "fsync", interrupt)
    assert audit(f"--{suffix}", str(file)) == 130
    assert [path.name for path in tmp_path.iterdir()] == [file.name]
    assert file.read_text() == "old"


def test_a_killed_audit_leaves_no_file(place, tmp_path):
    words = ["audit", "--samples", "made", "--train", "train.npy", "--heldout", "heldout.npy"]
    running = subprocess.Popen(
        [sys.executable, "-m", "byheart", *words, "--json", str(tmp_path / "out.json")],
        cwd=place,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stderr.readline() == f"{READING}\n"
    running.send_signal(signal.SIGTERM)
    said, _ = running.communicate(timeout=120)
    assert (running.returncode, said) == (130, "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "got"),
    [
        (["--samples", "empty"], "empty, which holds no images"),
        (["--samples", "one"], "samples one, which is one alone"),
        (["--samples", "one.npy"], "samples one.npy, which is one alone"),
        (["--samples", "same.npy"], "samples same.npy, 40 that are all the same"),
        (["--samples", "corrupt"], "samples corrupt, of which 2 of 12 cannot be read: 0.png (not an image)"),
        (["--samples", "nan.npy"], "samples nan.npy with values that are NaN or infinite (first in row 7)"),
        (["--samples", "color.npy"], "samples color.npy (images of 3 channels) and train train.npy"),
        (["--samples", "vectors.npy"], "samples vectors.npy (features of 5 numbers) and train train.npy"),
        (["--samples", "train.npy"], "samples train.npy that are train train.npy themselves: the same path"),
        (["--samples", "again.npy"], "samples again.npy that are train train.npy themselves: the same 120 in"),
        (["--heldout", "train.npy"], "heldout train.npy that are train train.npy themselves: the same path"),
        (["--heldout", "both.npy"], "30 of 110 held-out images that are in the training set too"),
        (["--samples", "digit:0-40"], "samples digit:0-40, where nothing lies"),
        (["--samples", "absent"], "samples absent, where nothing lies"),
        (["--train", "few.npy"], "20 different training images"),
        (["--count", "90"], "count 90 of samples made, which holds 40"),
        (["--alpha", "0.7"], "alpha = 0.7"),
        (["--planted", "1"], "1 test copies"),
        (["--fail-above", "1.5"], "--fail-above 1.5"),
        (["--fail-above", "nan"], "--fail-above nan"),
        (["--html", "absent/x.html"], "--html absent/x.html, in a folder that does not exist"),
        (["--json", "made"], "--json made, which is a folder"),
        (["--json", "x", "--html", "./x"], "x for both --html and --json"),
        (["--rule", "bayes"], "--rule bayes"),
        (["--heldot", "x"], "the option --heldot"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)  # fmt: skip
def test_what_cannot_be_audited_is_refused_in_three_lines(words, got, at, bad, capsys):
    given = dict(zip(words[::2], words[1::2], strict=True))
    sets = {flag[2:]: given.pop(flag) for flag in ("--samples", "--train", "--heldout") if flag in given}
    before = set(at.rglob("*"))
    assert audit(*(word for pair in given.items() for word in pair), **sets) == 1
    assert got in three_lines(capsys)[0]
    assert set(at.rglob("*")) == before


@pytest.fixture(scope="module")
def bad(place, digits):
    """What the refusals are about, beside the good sets."""
    for name in ("empty", "one", "corrupt"):
        (place / name).mkdir()
    Image.fromarray(digits[0]).save(place / "one" / "0.png")
    for row in range(10):
        Image.fromarray(digits[row]).save(place / "corrupt" / f"{row + 2}.png")
    (place / "corrupt" / "0.png").write_bytes(b"not a picture")
    whole = (place / "corrupt" / "2.png").read_bytes()
    (place / "corrupt" / "1.png").write_bytes(whole[: len(whole) // 2])
    broken = digits[:40] / 255
    broken[7, 3, 3] = np.nan
    arrays = {
        "one": digits[:1],
        "same": np.repeat(digits[:1], 40, axis=0),
        "nan": broken,
        "color": np.stack([digits[N + M : N + M + 40]] * 3, axis=1),
        "vectors": np.random.default_rng(0).normal(size=(40, 5)),
        "again": digits[:N],
        "both": np.concatenate([digits[:30], digits[N : N + M - 30]]),
        "few": digits[:20],
    }
    for name, values in arrays.items():
        np.save(place / f"{name}.npy", values)


def test_a_decompression_bomb_is_not_unpacked(at, monkeypatch, capsys):
    monkeypatch.setattr(pictures, "MAX_PIXELS", 700)
    assert audit() == 1
    error, need, _ = three_lines(capsys)
    assert "28×28 pixels, over the limit of 700" in error and "40 of 40 cannot be read" in error
    assert r"\x1b[31m\u202e\n[red]" in error
    assert "at most 5%" in need


@pytest.fixture(scope="module")
def doubled(place, digits):
    """A folder of 60 images, of which four come again: two equal, one mirrored, one moved; nasty names."""
    folder = place / "doubled"
    folder.mkdir()
    again = [digits[0], digits[1], digits[2][:, ::-1], np.roll(digits[3], 1, axis=1)]
    for row, image in enumerate([*digits[:60], *again]):
        Image.fromarray(np.ascontiguousarray(image)).save(
            folder / f"{row:02d}{NASTY if row > 58 else ''}.png"
        )
    return folder


def test_dedup_lists_duplicates_on_the_terminal_and_in_three_files(at, doubled, tmp_path, capsys):
    files = [word for name in ("html", "json", "csv") for word in (f"--{name}", str(tmp_path / f"d.{name}"))]
    assert main(["dedup", "doubled", *RARE, *files]) == 0
    written = capsys.readouterr()
    result = DedupResult.model_validate_json((tmp_path / "d.json").read_text())
    found = [{member.name[:2] for member in cluster.members} for cluster in result.clusters]
    assert all(pair in found for pair in ({"00", "60"}, {"01", "61"}, {"02", "62"}, {"03", "63"}))
    assert (result.source.count, result.exact) == (64, 2)
    left = 64 - sum(len(cluster) - 1 for cluster in found)
    assert written.out.startswith(
        f"{left} of 64 images are distinct; {64 - left} are duplicates of others (2 equal"
    )
    assert all(line.isprintable() for line in written.out.splitlines())
    assert r"60<img src=x onerror=alert(1)>&\x1b[31m\u202e\n[red]:smile:.png" in written.out
    rows = list(DictReader(StringIO((tmp_path / "d.csv").read_text())))
    assert len(rows) == sum(map(len, found))
    names = {row["name"] for row in rows if row["representative"] == "00.png"}
    assert names == {"00.png", f"60{NASTY}.png"}
    page = (tmp_path / "d.html").read_text()
    assert "&lt;img src=x" in page and "<img src=x" not in page and "\x1b" not in page
    assert {path.name for path in tmp_path.iterdir()} == {"d.html", "d.json", "d.csv"}


def test_dedup_says_where_there_is_nothing(at, digits, tmp_path, capsys):
    np.save(tmp_path / "few.npy", digits[:12])
    assert main(["dedup", str(tmp_path / "few.npy")]) == 0
    assert capsys.readouterr().out.startswith("No duplicates were found among 12 images.\nTwo images count")


def test_dedup_of_few_images_tells_equal_ones_and_says_so(at, digits, tmp_path, capsys):
    np.save(tmp_path / "few.npy", np.concatenate([digits[:10], digits[:3]]))
    assert main(["dedup", str(tmp_path / "few.npy")]) == 0
    written = capsys.readouterr().out
    assert written.startswith("10 of 13 images are distinct; 3 are duplicates of others (3 equal")
    assert "  warning: With fewer than 34 different images only" in written


@pytest.mark.parametrize(
    ("words", "got"),
    [
        (["empty"], "empty, which holds no images"),
        (["one"], "which is one alone"),
        (["same.npy"], "40 that are all the same"),
        (["corrupt"], "2 of 12 cannot be read"),
        (["nan.npy"], "NaN or infinite (first in row 7)"),
        (["vectors.npy"], "features of 5 numbers"),
        (["absent"], "where nothing lies"),
        (["train.npy", "--csv", "absent/x.csv"], "--csv absent/x.csv, in a folder that does not exist"),
        (["train.npy", "--csv", "x", "--json", "x"], "x for both --json and --csv"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_dedup_cannot_read_is_refused_in_three_lines(words, got, at, bad, capsys):
    assert main(["dedup", *words]) == 1
    assert got in three_lines(capsys)[0]


@pytest.mark.parametrize("verb", ["audit", "dedup"])
def test_help_says_every_option_and_needs_no_torch(verb):
    code = "import sys; from byheart.cli import main; main(sys.argv[1:]); print('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code, verb, "--help"], capture_output=True, text=True, check=True
    )
    *shown, torch_there = done.stdout.splitlines()
    assert torch_there == "False"
    options = {"audit": "samples train heldout html json fail-above rule", "dedup": "html json csv channels"}
    assert all(f"--{name}" in "\n".join(shown) for name in options[verb].split())


def test_the_audits_help_says_the_exit_codes(capsys):
    assert main(["audit", "--help"]) == 0
    said = " ".join(re.sub("[│╭╮╰╯─]", " ", capsys.readouterr().out).split())
    assert "0 no evidence, or suspicious; 2 copying" in said and "3 cannot tell; 1 an error" in said


def test_json_is_json(convicted):
    assert json.loads(convicted[1].read_text())["inputs"]["heldout"]["count"] == M

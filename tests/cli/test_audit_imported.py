"""byheart audit of the user's own code: package.module:name as samples and as denoiser, and what is told where it fails."""

import sys

import numpy as np
import pytest
import torch

from byheart.auditing.inputs.drawn import is_pipeline
from byheart.auditing.result import AuditResult
from byheart.cli import main
from byheart.cli.imported import imported, names_code

CODE = """
import numpy as np
import torch

train = torch.from_numpy(np.load("train.npy")).float()[:, None] / 255
number = 3


def copies(n, generator):
    return train[torch.randint(len(train), (n,), generator=generator)]


def dim(x, sigma):
    return 0.9 * x


def broken(n, generator):
    raise ValueError("no [weights]\\x1b here")


def few(n, generator):
    return train[:3]


class Sampler:
    def __call__(self, n, generator):
        return copies(n, generator)


class Package:
    inner = Sampler()


package = Package()
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with smooth images and, in a package, code; it is the current one, and not on Python's path."""
    draws = torch.Generator().manual_seed(0)
    noise = torch.randn(170, 1, 40, 40, generator=draws)
    smooth = (torch.nn.functional.avg_pool2d(noise, 9, stride=1) / 0.4 + 0.5).clamp(0, 1)
    images = (255 * smooth[:, 0]).byte().numpy()
    np.save(tmp_path / "train.npy", images[:60])
    np.save(tmp_path / "heldout.npy", images[60:])
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "code.py").write_text(CODE)
    (tmp_path / "fails.py").write_text("import absent_one\n")
    (tmp_path / "wrong.py").write_text("x = 1 / 0\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry not in ("", str(tmp_path))])
    yield tmp_path
    for name in [name for name in sys.modules if name.split(".")[0] in ("mine", "fails", "wrong")]:
        del sys.modules[name]


def audit(*words):
    given = ["--train", "train.npy", "--heldout", "heldout.npy", "--planted", "4", "--queries", "50"]
    return main(["audit", *given, *words])


def test_a_sampler_and_a_denoiser_of_ones_own_are_audited(here, capsys):
    words = ["--samples", "mine.code:copies", "--count", "24", "--denoiser", "mine.code:dim"]
    assert audit(*words, "--json", "out.json") == 2
    result = AuditResult.read("out.json")
    assert result.inputs.samples.name == "24 samples of copies"
    assert dict(result.settings)["queries"] == "50"
    assert [round(one.sigma, 3) for one in result.signals] == [0.1, 0.2, 0.5, 1.0]
    assert result.denoised[0].count == 24
    assert capsys.readouterr().out.startswith("copying  ")


def test_a_pipeline_arrives_as_it_is(here, monkeypatch):
    (here / "mine" / "pipe.py").write_text(
        "class Pipeline:\n    def __call__(self, batch_size=1, generator=None, num_inference_steps=50): ...\n\n"
        "pipeline = Pipeline()\n"
    )
    found = imported("--samples", "mine.pipe:pipeline", "a pipeline")
    assert is_pipeline(found) and type(found).__name__ == "Pipeline"


def test_a_name_may_lie_deeper(here):
    assert type(imported("--samples", "mine.code:package.inner", "")).__name__ == "Sampler"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("mine.code:copies", True),
        ("mine:a.b", True),
        ("mine/code.py:copies", True),
        ("digits:0-40", False),
        ("cifar10=folder:0-5", False),
        ("folder", False),
        ("http://there", False),
        ("C:\\folder", False),
    ],
)
def test_what_names_code(text, code):
    assert names_code(text) == code


def refusal(words, capsys):
    assert audit(*words) == 1
    written = capsys.readouterr()
    lines = [line for line in written.err.splitlines() if line != "reading the images"]
    assert written.out == "" and [line.partition(": ")[0] for line in lines] == ["error", "need", "remedy"]
    assert all(line.isprintable() for line in lines)
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("samples", "said"),
    [
        ("nowhere.at.all:x", "there is no module nowhere in this folder"),
        ("mine.nothing:x", "there is no module mine.nothing in this folder"),
        ("fails:x", "fails when it is imported (ModuleNotFoundError: No module named 'absent_one')"),
        ("wrong:x", "whose module fails when it is imported (ZeroDivisionError"),
        ("mine.code:copie", "did you mean copies?"),
        ("mine.code:package.outer", "mine.code has no package.outer"),
        ("mine/code.py:copies", "write mine.code:copies"),
        ("mine.code:Sampler", "a class"),
        ("mine.code:broken", "fails when it is called (ValueError: no [weights]"),
        ("mine.code:few", "a few that returned (3, 1, 32, 32) for 256 samples"),
        ("mine.code:number", "samples as int"),
    ],
)
def test_what_is_wrong_with_the_code_is_told_in_three_lines(samples, said, here, capsys):
    assert said in refusal(["--samples", samples], capsys)


@pytest.mark.parametrize(
    ("denoiser", "said"),
    [
        ("absent", "--denoiser absent, which is no run"),
        ("mine.code:number", "--denoiser mine.code:number, of type int"),
        ("mine.code:dimm", "did you mean dim?"),
    ],
)
def test_what_is_no_denoiser_is_refused_before_the_work(denoiser, said, here, capsys):
    refused = refusal(["--samples", "heldout.npy", "--denoiser", denoiser], capsys)
    assert said in refused

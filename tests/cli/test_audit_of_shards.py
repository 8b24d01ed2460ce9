"""byheart audit and byheart dedup of a training set in shards, as a shell sees them."""

from importlib.util import find_spec

import numpy as np
import pytest
import torch

from byheart.auditing.dedup_result import DedupResult
from byheart.auditing.result import AuditResult
from byheart.cli import main
from byheart.features.shards import numbered, write_shards

TRAIN = torch.randn(600, 6, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def at(tmp_path, monkeypatch):
    """A folder with shards/, train.npy, made.npy with 20 copies, and heldout.npy."""
    draws = np.random.default_rng(1)
    fresh = draws.standard_normal((400, 6), dtype=np.float32)
    write_shards(tmp_path / "shards", numbered(TRAIN.split(100)), rows=150)
    np.save(tmp_path / "train.npy", TRAIN.numpy())
    np.save(tmp_path / "made.npy", np.concatenate([fresh[:60], TRAIN[:20].numpy()]))
    np.save(tmp_path / "heldout.npy", fresh[60:])
    monkeypatch.chdir(tmp_path)
    return tmp_path


def words(train, *more):
    return ["audit", "--samples", "made.npy", "--heldout", "heldout.npy", "--train", train, *more]


def test_the_verb_audits_shards_as_it_audits_the_file(at, capsys):
    settings = ["--workers", "2", "--checkpoints", "kept", "--json", "shards.json"]
    assert main(words("shards", *settings)) == 2
    shown = capsys.readouterr().out
    assert main(words("train.npy", "--json", "plain.json")) == 2
    assert shown == capsys.readouterr().out.replace("plain.json", "shards.json")
    parts, plain = (AuditResult.read(at / f"{name}.json") for name in ("shards", "plain"))
    assert parts.channels == plain.channels and parts.measures == plain.measures
    assert list((at / "kept").glob("*.safetensors"))


def test_the_verb_deduplicates_shards(at, capsys):
    images = torch.rand(80, 1, 32, 32, generator=torch.Generator().manual_seed(3))
    images[70] = images[5]
    write_shards(at / "images", numbered([images]), rows=30)
    assert main(["dedup", "images", "--planted", "4", "--json", "found.json"]) == 0
    assert "79 of 80 images are distinct" in capsys.readouterr().out
    found = DedupResult.model_validate_json((at / "found.json").read_bytes())
    assert [one.name for one in found.clusters[0].members] == ["row 5", "row 70"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--address", "10.0.0.1:6379"], "give --executor ray as well"),
        (["--workers", "0"], "at least one worker"),
    ],
)
def test_settings_that_do_not_fit_are_refused(at, more, said, capsys):
    refused = main(words("shards", *more)) == 1
    assert refused and said in capsys.readouterr().err


def test_settings_of_shards_need_shards(at, capsys):
    assert main(words("train.npy", "--workers", "2")) == 1
    assert "not in shards" in capsys.readouterr().err


@pytest.mark.skipif(find_spec("ray") is not None, reason="Ray is installed")
def test_without_ray_the_pip_line_is_said(at, capsys):
    assert main(words("shards", "--executor", "ray")) == 1
    assert "pip install 'byheart[ray]'" in capsys.readouterr().err

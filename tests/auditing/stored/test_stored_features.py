"""Features in shards: the audit is that of the same rows in memory, number for number, in the memory of a few blocks."""

import json
import subprocess
import sys
from importlib.util import find_spec

import pytest
import torch

from byheart import audit, dedup
from byheart._checks import InputError
from byheart.auditing import sharded
from byheart.features.shards import numbered, write_shards


def normal(seed, *shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


TRAIN, HELDOUT = normal(0, 700, 8), normal(1, 320, 8)
SAMPLES = torch.cat([normal(2, 90, 8), TRAIN[5:25]])
SETS = {"samples": SAMPLES.numpy(), "heldout": HELDOUT.numpy()}
OTHERWISE = {"inputs": True, "seconds": True}


def stored(folder, train=TRAIN, rows=110):
    write_shards(folder, numbered(train.split(100)), rows=rows)
    return folder


def numbers(result):
    return result.model_dump(exclude=OTHERWISE)


@pytest.fixture(scope="module")
def plain():
    return audit(**SETS, train=TRAIN.numpy(), planted=10)


@pytest.mark.parametrize("workers", [1, 2])
def test_the_audit_of_shards_is_that_of_the_same_rows_in_memory(plain, tmp_path, workers):
    found = audit(**SETS, train=stored(tmp_path / "shards"), planted=10, workers=workers)
    assert plain.verdict == "copying" and len(plain.measures) > 25
    assert numbers(found) == numbers(plain)
    source, whole = found.inputs.train, plain.inputs.train
    assert (source.count, source.shape, source.resized) == (whole.count, whole.shape, whole.resized)


def test_without_held_out_rows_the_pairs_are_the_same(tmp_path):
    plain = audit(samples=SAMPLES.numpy(), train=TRAIN.numpy())
    found = audit(samples=SAMPLES.numpy(), train=str(stored(tmp_path / "shards")))
    assert found.pairs and numbers(found) == numbers(plain)


@pytest.mark.parametrize("kind", [torch.float16, torch.float64, torch.uint8])
def test_rows_of_another_type_are_read_as_in_memory(tmp_path, kind):
    train, heldout, samples = ((x * 30 + 128).clamp(0, 255).to(kind) for x in (TRAIN, HELDOUT, SAMPLES))
    sets = {"samples": samples.numpy(), "heldout": heldout.numpy()}
    plain = audit(**sets, train=train.numpy(), planted=4)
    assert numbers(audit(**sets, train=stored(tmp_path / "s", train), planted=4)) == numbers(plain)


def test_fewer_training_than_held_out_rows(tmp_path):
    plain = audit(**SETS, train=TRAIN[:200].numpy(), planted=4)
    assert numbers(audit(**SETS, train=stored(tmp_path / "s", TRAIN[:200]), planted=4)) == numbers(plain)


def test_overlap_is_refused_and_reported_as_in_memory(tmp_path):
    again = torch.cat(
        [TRAIN[:60], TRAIN[3:4], TRAIN[60:], TRAIN[3:4]]
    )  # twice in the first shard, once in the last
    heldout = torch.cat([HELDOUT, again[[650, 3, 3]]]).numpy()
    sets = {"samples": SAMPLES.numpy(), "heldout": heldout}
    folder = stored(tmp_path / "shards", again)
    with pytest.raises(InputError, match=r"3 of 323 held-out .*row 650 = row 320, row 3 = row 321"):
        audit(**sets, train=folder)
    found = audit(**sets, train=folder, allow_overlap=True, planted=4)
    assert found.inputs.overlap == (("row 650", "row 320"), ("row 3", "row 321"), ("row 3", "row 322"))


@pytest.mark.parametrize(
    ("samples", "match"),
    [
        (TRAIN[:50], "the same 50 in the same order"),
        (TRAIN.flip(0), "the same 700 in another order"),
        (normal(3, 50, 9), "features of one encoder"),
        (torch.rand(50, 12, 12), "images in all sets"),
    ],
)
def test_sets_that_cannot_be_compared_are_refused(tmp_path, samples, match):
    with pytest.raises(InputError, match=match):
        audit(samples=samples.numpy(), train=stored(tmp_path / "shards"))


def test_an_interrupted_audit_goes_on(plain, tmp_path, monkeypatch):
    """Half-way the process is killed; the same call searches what is left, and says the same."""
    folder, searched = stored(tmp_path / "shards"), []
    stream = sharded.stream

    def breaks(folder, shard):
        searched.append(shard.name)
        if len(searched) == 17 and not (tmp_path / "broken").exists():
            (tmp_path / "broken").touch()
            raise KeyboardInterrupt
        return stream(folder, shard)

    monkeypatch.setattr(sharded, "stream", breaks)
    settings = {**SETS, "train": folder, "planted": 10, "checkpoints": tmp_path / "kept"}
    with pytest.raises(KeyboardInterrupt):
        audit(**settings)
    done = len(searched)
    found = audit(**settings)
    again = len(searched) - done
    assert numbers(found) == numbers(plain)
    searched.clear()
    assert numbers(audit(**settings)) == numbers(plain) and not searched
    audit(**{**settings, "checkpoints": None})
    assert len(searched) == again + 16  # nothing that was finished before was searched again


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"executor": "slurm"}, "executor 'slurm'"),
        ({"workers": 0}, "with 0 workers"),
        ({"address": "10.0.0.1:6379"}, "give --executor ray as well"),
        ({"denoiser": lambda x, sigma: x}, "a denoiser with a training set in shards"),
    ],
)
def test_settings_that_shards_do_not_allow_are_refused(tmp_path, settings, match):
    with pytest.raises(InputError, match=match):
        audit(samples=SAMPLES.numpy(), train=stored(tmp_path / "shards"), **settings)


def test_settings_of_shards_are_refused_where_there_are_none(tmp_path):
    with pytest.raises(InputError, match=r"tensor|not in shards"):
        audit(samples=SAMPLES.numpy(), train=TRAIN.numpy(), workers=2)
    with pytest.raises(InputError, match="not in shards"):
        dedup(str(tmp_path), checkpoints=tmp_path)


def test_ids_with_gaps_and_other_shapes_are_refused(tmp_path):
    write_shards(tmp_path / "gaps", [(torch.arange(0, 100, 2), TRAIN[:50])])
    with pytest.raises(InputError, match="ids from 0 to 98"):
        audit(samples=SAMPLES.numpy(), train=tmp_path / "gaps")
    write_shards(tmp_path / "large", numbered([torch.zeros(5, 3, 64, 64, dtype=torch.uint8)]))
    with pytest.raises(InputError, match=r"rows of shape \(3, 64, 64\)"):
        audit(samples=SAMPLES.numpy(), train=tmp_path / "large")
    with pytest.raises(InputError, match="features say nothing of poses"):
        dedup(stored(tmp_path / "shards"))


@pytest.mark.skipif(find_spec("ray") is not None, reason="Ray is installed")
def test_without_ray_the_pip_line_is_named(tmp_path):
    with pytest.raises(ImportError, match=r"pip install 'byheart\[ray\]'"):
        audit(**SETS, train=stored(tmp_path / "shards"), executor="ray")


@pytest.mark.skipif(find_spec("ray") is None, reason="needs Ray")
def test_over_ray_the_audit_is_the_same(plain, tmp_path):
    found = audit(**SETS, train=stored(tmp_path / "shards"), planted=10, executor="ray", workers=2)
    assert numbers(found) == numbers(plain)


CODE = """
import json, pathlib, sys
import numpy as np
import torch
from byheart.auditing.audit import audit
from byheart.features.shards import numbered, write_shards

torch.set_num_threads(1)
ROWS, FEATURES, FOLDER = 1_000_000, 64, pathlib.Path(sys.argv[1])
draws = np.random.default_rng(0)

def drawn(count):
    return torch.from_numpy(draws.standard_normal((count, FEATURES), dtype=np.float32))

def resident(name):
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{name}:"))

write_shards(FOLDER / "few", numbered([drawn(500)]))
write_shards(FOLDER / "many", numbered(drawn(20_000) for _ in range(ROWS // 20_000)), rows=20_000)
samples, heldout = drawn(120).numpy(), drawn(120).numpy()
audit(samples=samples, train=FOLDER / "few", heldout=heldout)  # libraries loaded
before = resident("VmRSS")
pathlib.Path("/proc/self/clear_refs").write_text("5")  # the peak starts again from here
result = audit(samples=samples, train=FOLDER / "many", heldout=heldout)
print(json.dumps({"added": resident("VmHWM") - before, "count": result.inputs.train.count, "set": ROWS * FEATURES * 4 / 2**20}))
"""


@pytest.mark.slow
def test_memory_is_that_of_blocks_and_a_few_numbers_a_row(tmp_path):
    """A million rows, 244 MiB in shards of 5 MiB."""
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(tmp_path)], capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout)
    assert found["count"] == 1_000_000
    assert found["added"] < 100 < found["set"], found


def test_no_more_than_a_block_of_rows_is_handed_on(tmp_path, monkeypatch):
    """Of 400 row groups a search is handed one at a time, and whoever reads rows gets those that were asked for."""
    from byheart.auditing.stored import train as stored_train
    from byheart.features import parquet

    monkeypatch.setattr(parquet, "GROUP_BYTES", 50 * 8 * 4)
    folder = tmp_path / "shards"
    write_shards(folder, numbered(normal(5, 20_000, 8).split(1000)), rows=5000)
    largest = {"handed": 0, "taken": 0}
    stream, take = sharded.stream, stored_train.take

    def counted(folder, shard):
        for ids, rows in stream(folder, shard, block=100 * 8 * 4):
            largest["handed"] = max(largest["handed"], len(rows))
            yield ids, rows

    def chosen(shards, ids):
        largest["taken"] = max(largest["taken"], len(ids))
        return take(shards, ids)

    monkeypatch.setattr(sharded, "stream", counted)
    monkeypatch.setattr(stored_train, "take", chosen)
    audit(**SETS, train=folder, planted=4)
    assert largest["handed"] == 100
    assert largest["taken"] <= 10_000  # those that place the three cells of C_T; fidelity takes 8,000

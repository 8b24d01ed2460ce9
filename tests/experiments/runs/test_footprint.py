"""Images and networks that cannot fit into memory are refused before anything is read."""

import pytest

from byheart._checks import InputError
from byheart.data.spec import Data
from byheart.experiments.runs import footprint
from byheart.experiments.runs.estimate import estimate
from byheart.experiments.runs.execute import execute
from byheart.experiments.runs.footprint import check_images, check_runs
from byheart.experiments.runs.run import parse_run

GB = 2**30


@pytest.fixture(autouse=True)
def machine(monkeypatch):
    monkeypatch.setattr(footprint, "memory", lambda: 16 * GB)
    monkeypatch.setattr(
        "byheart.experiments.kinds.shared.split._read", lambda *_: pytest.fail("the images were read")
    )


def run(size, **changes):
    settings = {"n": 8, "training": {"steps": 3}, "data": {"name": "digits", "size": size}}
    return parse_run(settings | changes)


def test_a_container_s_limit_counts(tmp_path, monkeypatch):
    monkeypatch.undo()
    assert footprint.memory() > 2**27
    (tmp_path / "memory.max").write_text("1000\n")
    monkeypatch.setattr(footprint, "LIMITS", tmp_path / "memory.max")
    assert footprint.memory() == 1000
    (tmp_path / "memory.max").write_text("max\n")
    assert footprint.memory() > 2**27


def test_a_huge_size_is_refused_by_everything_that_would_read_it(tmp_path):
    with pytest.raises(InputError, match="size 5000: 1797 images of 5000×5000 pixels"):
        check_images(Data(name="digits", size=5000))
    with pytest.raises(InputError, match="16 GB of memory here"):
        estimate([run(5000)], device="cpu")
    with pytest.raises(InputError, match="choose a smaller size"):
        execute(run(5000), tmp_path)
    assert not list(tmp_path.iterdir())


def test_images_are_counted_by_name_and_in_a_folder(tmp_path):
    for index in range(6):
        (tmp_path / f"{index}.png").touch()
    with pytest.raises(InputError, match=r"size 40000: 6 images of 40000×40000"):
        check_images(Data(name="folder", path=str(tmp_path), size=40000))
    with pytest.raises(InputError, match=r"size 30000: 5 images"):
        check_images(Data(name="digits", count=5, size=30000))
    with pytest.raises(InputError, match=r"size 30000: 15 images"):
        check_images(Data(name="arrays", path="x.npy", heldout=5, size=30000), n=10)
    check_images(Data(name="digits", size=512))
    check_images(Data(name="digits"))


@pytest.mark.parametrize("model", [{"kind": "mlp", "width": 4096}, {"kind": "unet", "width": 256}])
def test_a_network_counts_where_it_trains_in_this_memory(model):
    data = {"name": "digits", "size": 512, "count": 60}
    big = run(512, model=model, data=data, n=32)
    with pytest.raises(InputError, match="images of 512×512 pixels and their network"):
        check_runs([big], "cpu")
    check_runs([big], "cuda")

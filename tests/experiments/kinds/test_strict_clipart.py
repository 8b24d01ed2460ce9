"""The strict clip art is made anew whenever what it is made from is another."""

import pytest
import torch
from PIL import Image

from byheart.experiments.kinds.audit import strict_clipart as module
from byheart.experiments.kinds.audit.strict_clipart import strict_clipart
from byheart.random import generator


def draw(file, seed):
    pixels = torch.randint(256, (32, 32, 3), generator=generator(seed), dtype=torch.uint8)
    Image.fromarray(pixels.numpy()).save(file)


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder of five drawings in the place of the package's."""
    folder = tmp_path / "png"
    folder.mkdir()
    for seed in range(5):
        draw(folder / f"{seed}.png", seed)
    monkeypatch.setattr(module, "PLACE", folder)
    module.read_clipart.cache_clear()
    yield folder
    module.read_clipart.cache_clear()


@pytest.fixture
def made(monkeypatch):
    """How many images went into every selection; the last one of them is left out."""
    counts = []

    def select(images):
        counts.append(len(images))
        return images[:-1]

    monkeypatch.setattr(module, "_strict", select)
    return counts


def test_it_is_made_once_and_then_read(place, made, tmp_path):
    first, again = strict_clipart(tmp_path / "kept"), strict_clipart(tmp_path / "kept")
    assert made == [5] and first.shape == (4, 3, 32, 32)
    assert torch.equal(first, again) and torch.equal(first, module.drawings()[:-1])


@pytest.mark.parametrize("what", ["contents", "name", "one more"])
def test_other_drawings_make_it_anew(place, made, tmp_path, what):
    strict_clipart(tmp_path / "kept")
    if what == "contents":
        size = (place / "4.png").stat().st_size
        draw(place / "4.png", 9)
        assert (place / "4.png").stat().st_size == size  # noise does not compress: only the contents tell
    elif what == "name":  # the order, and with it which one of a cluster is kept
        (place / "4.png").rename(place / "0-4.png")
    else:
        draw(place / "5.png", 5)
    module.read_clipart.cache_clear()
    strict_clipart(tmp_path / "kept")
    assert made == [5, 6 if what == "one more" else 5]


def test_another_rule_makes_it_anew(place, made, tmp_path, monkeypatch):
    strict_clipart(tmp_path / "kept")
    monkeypatch.setattr(module, "code_version", lambda roots: "another" + "".join(roots))
    strict_clipart(tmp_path / "kept")
    assert made == [5, 5]


def test_the_rule_is_the_code_that_selects():
    from byheart.experiments.version import code_files

    files = code_files((module.__name__,)).keys()
    needed = {"data/clipart.py", "metrics/copying/orbit.py", "metrics/copying/spaces.py"}
    assert needed | {module.__name__.removeprefix("byheart.").replace(".", "/") + ".py"} <= files
    assert "data/named.py" not in files  # a new data set does not cost minutes


def test_a_file_of_an_older_version_is_not_read(place, made, tmp_path):
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "clipart_strict.safetensors").write_bytes(b"of nobody knows which drawings")
    assert len(strict_clipart(tmp_path / "kept")) == 4

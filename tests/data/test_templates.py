"""Colored templates: what they are chosen from, their laws, and the data of that name."""

import numpy as np
import pytest
import torch
from PIL import Image

from byheart._checks import InputError
from byheart.data import Data, load, named
from byheart.data.named import template_population
from byheart.data.raw import Raw
from byheart.data.spec import MixtureData, TemplateData
from byheart.data.templates import ColoredTemplates, templates_from_folder, templates_of
from byheart.random import derive, generator

DRAWS = np.random.default_rng(0)
STACK = DRAWS.integers(30, 200, (9, 1, 12, 12), dtype=np.uint8)
DIGITS = Data(name="templates", templates=TemplateData(source="digits", side=8, count=200))


def test_a_template_is_an_image_of_the_set_all_scaled_together():
    found = templates_of(Raw(STACK, 255), 5, 12, seed=3).numpy()
    assert found.shape == (5, 12, 12) and found.dtype == np.float32
    # One affine map for all five, whatever the five are: the ends of the five are 0 and 1.
    plain = STACK[:, 0].astype(np.float64)
    rows = [
        next(at for at, image in enumerate(plain) if np.corrcoef(image.ravel(), one.ravel())[0, 1] > 0.9999)
        for one in found
    ]
    assert len(set(rows)) == 5
    chosen = plain[rows]
    np.testing.assert_allclose(found, (chosen - chosen.min()) / (chosen.max() - chosen.min()), atol=1e-6)


def test_the_seed_chooses():
    first, again, other = (templates_of(Raw(STACK, 255), 4, 12, seed) for seed in (0, 0, 1))
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_resizing_is_bicubic_between_bytes_as_published():
    found = templates_of(Raw(STACK, 255), 9, 5, seed=0)
    small = {
        bytes(np.asarray(Image.fromarray(image).resize((5, 5), Image.Resampling.BICUBIC)))
        for image in STACK[:, 0]
    }
    stack = np.stack([np.frombuffer(one, np.uint8) for one in small])
    back = found.flatten(1).numpy() * float(stack.max() - stack.min()) + stack.min()
    assert {bytes(np.rint(one).astype(np.uint8)) for one in back} == small


def test_colors_and_oblongs_become_grey_squares(tmp_path):
    values = DRAWS.integers(0, 256, (6, 8, 3), dtype=np.uint8)
    for at in range(3):
        Image.fromarray(np.roll(values, at, 0)).save(tmp_path / f"{at}.png")
    found = templates_from_folder(tmp_path, 3, 6, seed=0)
    cut = [np.roll(values, at, 0)[:, 1:7] @ np.array([0.299, 0.587, 0.114]) for at in range(3)]
    ours = sorted(one.tobytes() for one in np.rint(found.numpy() * 1000).astype(int))
    stack = np.floor(np.stack(cut) + 0.5)
    theirs = (stack - stack.min()) / (stack.max() - stack.min())
    assert ours == sorted(one.tobytes() for one in np.rint(theirs * 1000).astype(int))


@pytest.mark.parametrize("colors", [1, 3])
def test_alpha_is_laid_on_white(colors):
    alpha = np.full((9, 1, 12, 12), 255, np.uint8)
    opaque, clear = (np.concatenate([STACK.repeat(colors, 1), part], 1) for part in (alpha, alpha // 5))
    assert torch.equal(templates_of(Raw(opaque, 255), 4, 12, 0), templates_of(Raw(STACK, 255), 4, 12, 0))
    rows = np.floor(STACK * 0.2 + 255 * 0.8 + 0.5).astype(np.uint8)
    assert torch.equal(templates_of(Raw(clear, 255), 4, 12, 0), templates_of(Raw(rows, 255), 4, 12, 0))


def test_only_the_chosen_files_of_a_folder_are_read(tmp_path):
    (tmp_path / "0.png").write_bytes(b"no picture")
    for at in range(1, 6):
        Image.fromarray(STACK[at, 0]).save(tmp_path / f"{at}.png")
    chosen = {
        seed: torch.randperm(6, generator=generator(derive(seed, "templates")))[:3] for seed in range(9)
    }
    with_it = next(seed for seed, rows in chosen.items() if 0 in rows)
    without = next(seed for seed, rows in chosen.items() if 0 not in rows)
    assert templates_from_folder(tmp_path, 3, 12, without).shape == (3, 12, 12)
    with pytest.raises(InputError, match=r"0\.png \(not an image\)"):
        templates_from_folder(tmp_path, 3, 12, with_it)


POPULATION = ColoredTemplates(
    torch.rand(2, 3, 4, generator=generator(1), dtype=torch.float64),
    torch.tensor([[1.0, 0.0, -2.0], [0.5, 3.0, 0.0]], dtype=torch.float64),
    0.7,
)


def test_samples_are_one_template_in_one_color():
    images, labels = POPULATION.labeled(50, generator(0))
    assert images.shape == (50, 3, 3, 4) and images.dtype == torch.float64
    for image, label in zip(images, labels, strict=True):
        template = POPULATION.templates[label]
        color = (image * template).sum((1, 2)) / template.square().sum()
        torch.testing.assert_close(image, color[:, None, None] * template)


def test_samples_have_the_moments_that_they_are_drawn_from():
    images, labels = POPULATION.labeled(40_000, generator(0))
    assert abs((labels == 0).double().mean().item() - 0.5) < 4 * 0.5 / 200
    for k in range(2):
        template, shown = POPULATION.templates[k], images[labels == k]
        colors = (shown * template).sum((2, 3)) / template.square().sum()
        error = 0.7 / len(colors) ** 0.5
        assert (colors.mean(0) - POPULATION.means[k]).abs().max() < 4 * error
        torch.testing.assert_close(
            colors.T.cov(), 0.49 * torch.eye(3, dtype=torch.float64), rtol=0, atol=5 * 0.49 / 141
        )


def test_squares_are_those_of_the_templates():
    torch.testing.assert_close(POPULATION.squares, POPULATION.templates.square().sum((1, 2)))


def test_the_data_are_draws_of_their_population():
    dataset, population = load(DIGITS), template_population(DIGITS)
    assert dataset.shape == population.shape == (3, 8, 8)
    assert len(dataset) == 200 and population.std == 1 and not population.means.any()
    shown = population.templates[dataset.labels].flatten(1)
    images = dataset.to_pixels(dataset.images).flatten(2)
    colors = (images @ shown[:, :, None]) / shown.square().sum(1)[:, None, None]
    torch.testing.assert_close(images, colors * shown[:, None], rtol=0, atol=1e-5)
    assert load(DIGITS).fingerprint == dataset.fingerprint
    again = DIGITS.model_copy(update={"templates": DIGITS.templates.model_copy(update={"seed": 1})})
    assert load(again).fingerprint != dataset.fingerprint


def test_the_published_population():
    settings = TemplateData()
    assert (settings.components, settings.side, settings.std) == (4, 15, 1.0)


@pytest.mark.skipif(
    named.idx.find_idx(named.FASHION_MNIST) is None, reason="needs Debian's dataset-fashion-mnist"
)
def test_the_default_is_fashion_mnist_at_15():
    population = template_population(Data(name="templates"))
    assert population.shape == (3, 15, 15)
    assert (population.templates.min(), population.templates.max()) == (0, 1)
    expected = torch.tensor([10.2185, 21.2754, 96.0499, 4.8402], dtype=torch.float64)
    torch.testing.assert_close(population.squares, expected, rtol=0, atol=1e-3)


def test_a_path_is_a_folder_of_images_unless_said_otherwise(tmp_path):
    for at in range(4):
        Image.fromarray(STACK[at, 0]).save(tmp_path / f"{at}.png")
    found = load(Data(name="templates", path=str(tmp_path)))
    assert found.shape == (3, 15, 15)
    np.save(tmp_path / "x.npy", STACK)
    settings = TemplateData(source="arrays", side=12, count=20)
    assert load(Data(name="templates", path=str(tmp_path / "x.npy"), templates=settings)).shape == (3, 12, 12)


def test_data_are_read_again_as_they_were_written():
    assert Data.model_validate_json(DIGITS.model_dump_json()) == DIGITS
    assert Data.model_validate(Data().model_dump()) == Data()


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"name": "digits", "templates": TemplateData()}, "templates for digits"),
        ({"name": "templates", "mixture": MixtureData()}, "mixture for templates"),
        ({"name": "templates", "size": 8}, "side"),
        ({"name": "templates", "channels": 1}, "side"),
        ({"name": "templates", "path": "x", "templates": TemplateData(source="digits")}, "path for digits"),
        (
            {"name": "templates", "templates": TemplateData(source="folder")},
            "templates of folder without a path",
        ),
        ({"name": "templates", "templates": TemplateData(source="digits", components=2000)}, "at most 1797"),
    ],
)
def test_settings_that_would_be_ignored_or_cannot_be_met_are_refused(settings, word):
    with pytest.raises(InputError, match=word):
        load(Data(**settings))


def test_the_templates_of_other_data_are_refused():
    with pytest.raises(InputError, match="templates of digits"):
        template_population(Data())


GREY, BLACK = torch.rand(2, 3, 4, generator=generator(2)), torch.zeros(2, 3)


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda: ColoredTemplates(GREY[0], BLACK, 1), r"\(k, 3\)"),
        (lambda: ColoredTemplates(GREY, BLACK[:1], 1), r"\(k, 3\)"),
        (lambda: ColoredTemplates(GREY.long(), BLACK, 1), "floating"),
        (lambda: ColoredTemplates(GREY, BLACK * float("nan"), 1), "NaN"),
        (lambda: ColoredTemplates(GREY / 0, BLACK, 1), "infinite"),
        (lambda: ColoredTemplates(GREY, BLACK, -1), "std"),
        (lambda: ColoredTemplates(GREY[[0, 0]], BLACK, 1), "1 of them distinct"),
        (lambda: ColoredTemplates(torch.stack([GREY[0], 0 * GREY[0]]), BLACK, 1), "1 empty"),
        (lambda: templates_of(Raw(STACK, 255), 10, 12, 0), "at most 9"),
        (lambda: templates_of(Raw(STACK[[0, 0, 0]], 255), 2, 12, 0), "1 of them distinct"),
        (lambda: templates_of(Raw(np.full((3, 1, 4, 4), 7)), 2, 4, 0), "one and the same grey"),
        (lambda: templates_of(Raw(np.zeros((3, 5))), 2, 4, 0), "features"),
    ],
)
def test_bad_templates_are_refused(make, word):
    with pytest.raises(InputError, match=word):
        make()

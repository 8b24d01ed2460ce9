"""Whitened pixels: identity covariance, PCA as scikit-learn has it, and affine maps that change nothing."""

import pytest
import torch
from sklearn.decomposition import PCA
from torch.testing import assert_close

from byheart._checks import InputError
from byheart.data.named import load
from byheart.data.spec import Data
from byheart.features.whitened import whitened_pixels


@pytest.fixture(scope="module")
def digits():
    data = load(Data(name="digits"))
    return data.to_pixels(data.images).clamp(0, 1)


def test_training_features_are_white(digits):
    z = whitened_pixels(digits, 20)(digits).double()
    assert z.mean(0).abs().max() < 1e-5
    assert_close(torch.cov(z.T), torch.eye(20, dtype=torch.float64), atol=1e-5, rtol=0)


def test_it_is_scikit_learn_s_pca_up_to_signs(digits):
    train, other = digits[:600], digits[600:650]
    theirs = PCA(12, whiten=True, svd_solver="full").fit(train.flatten(1).double().numpy())
    theirs = torch.from_numpy(theirs.transform(other.flatten(1).double().numpy())).float()
    ours = whitened_pixels(train, 12)(other)
    assert_close(ours.abs(), theirs.abs(), atol=1e-4, rtol=1e-4)
    assert ((ours * theirs).sum(0).abs() / theirs.square().sum(0) - 1).abs().max() < 1e-4


def test_distances_survive_an_affine_map_of_all_pixels():
    draws = torch.Generator().manual_seed(0)
    train, other = (torch.rand(n, 1, 3, 3, generator=draws) for n in (200, 20))
    mix = torch.eye(9) + 0.3 * torch.rand(9, 9, generator=draws)

    def mapped(x):
        return ((x.flatten(1) @ mix.T) / 4 + 0.01).reshape(x.shape)

    plain = whitened_pixels(train, 9)(other)
    moved = whitened_pixels(mapped(train), 9)(mapped(other))
    assert_close(torch.pdist(plain), torch.pdist(moved), atol=1e-3, rtol=1e-3)
    assert (torch.pdist(plain) - torch.pdist(other.flatten(1))).abs().max() > 1  # pixel distances do not


def test_the_default_keeps_what_varies(digits):
    z = whitened_pixels(digits)
    assert len(z.axes) == 61  # three of the 64 pixels are never inked
    assert z.name == "pixels whitened on the training images, 61 of 64 directions"


def test_large_images_are_shrunk_first():
    train = torch.rand(30, 3, 40, 40)
    z = whitened_pixels(train, 5)
    assert z.axes.shape == (5, 972)  # 3 × 18 × 18 ≤ 1024
    assert z(train).shape == (30, 5)


def test_the_fingerprint_is_of_the_training_images_and_the_number(digits):
    whole = whitened_pixels(digits, 8)
    assert whole.fingerprint == whitened_pixels(digits.clone(), 8).fingerprint
    others = {whitened_pixels(digits, 9).fingerprint, whitened_pixels(digits[1:], 8).fingerprint}
    assert len(others | {whole.fingerprint}) == 3


def test_signs_are_fixed(digits):
    axes = whitened_pixels(digits, 8).axes
    assert (axes.gather(1, axes.abs().argmax(1, keepdim=True)) > 0).all()


@pytest.mark.parametrize(
    ("train", "components", "said"),
    [
        (torch.rand(5, 1, 4, 4), 5, "between 1 and 4"),
        (torch.rand(5, 1, 4, 4), 0, "between 1 and 4"),
        (torch.full((5, 1, 4, 4), 0.3), None, "images that differ"),
        (torch.rand(1, 1, 4, 4), None, "images that differ"),
    ],
    ids=["more than vary", "none", "all the same", "one"],
)
def test_refused(train, components, said):
    with pytest.raises(InputError, match=said):
        whitened_pixels(train, components)


def test_images_of_another_shape_are_refused(digits):
    with pytest.raises(InputError, match="like those of the training set"):
        whitened_pixels(digits, 3)(torch.rand(2, 1, 9, 9))

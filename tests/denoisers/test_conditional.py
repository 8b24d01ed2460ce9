import pytest
import torch

from byheart._checks import InputError
from byheart.denoisers import empirical, given


def by_class(x, sigma, label):
    """Two classes, one training point each: at y in the data, every sample is that point."""
    return torch.tensor([[-1.0, 0.0], [1.0, 5.0]])[label]


def test_rows_carry_their_labels():
    denoiser = given(by_class, torch.tensor([1, 0, 1]))
    found = denoiser(torch.zeros(3, 2), torch.tensor(1.0))
    assert torch.equal(found, torch.tensor([[1.0, 5.0], [-1.0, 0.0], [1.0, 5.0]]))


def test_x_and_sigma_arrive():
    def echo(x, sigma, label):
        return x * sigma + label

    found = given(echo, torch.tensor([[10.0], [20.0]]))(torch.ones(2, 3), torch.tensor(0.5))
    assert torch.equal(found, torch.tensor([[10.5] * 3, [20.5] * 3]))


def test_a_class_wise_mixture():
    train = torch.randn(6, 4, generator=torch.Generator().manual_seed(0))
    classes = [empirical(train[:3]), empirical(train[3:])]

    def model(x, sigma, label):
        return torch.cat([classes[i](x[k : k + 1], sigma) for k, i in enumerate(label.tolist())])

    x, sigma = torch.zeros(2, 4), torch.tensor(0.3)
    found = given(model, torch.tensor([1, 0]))(x, sigma)
    torch.testing.assert_close(found, torch.cat([classes[1](x[:1], sigma), classes[0](x[1:], sigma)]))


@pytest.mark.parametrize("rows", [2, 4])
def test_another_number_of_rows_is_refused(rows):
    with pytest.raises(InputError, match="labels"):
        given(by_class, torch.tensor([1, 0, 1]))(torch.zeros(rows, 2), torch.tensor(1.0))

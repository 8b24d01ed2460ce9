import pytest
import torch

from byheart._checks import InputError
from byheart.denoisers import EmpiricalByClass, EmpiricalByKernel, MixtureDenoiser, empirical, given
from byheart.sampling import sample


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


DRAWS = torch.Generator().manual_seed(1)
TRAIN = torch.randn(30, 1, 3, 3, generator=DRAWS, dtype=torch.float64)
LABELS = torch.arange(30) % 4
PLACES = torch.rand(30, 1, generator=DRAWS, dtype=torch.float64)
X = torch.randn(8, 1, 3, 3, generator=DRAWS, dtype=torch.float64)
SIGMA = torch.linspace(0.1, 2, 8, dtype=torch.float64)


@pytest.mark.parametrize("sigma", [SIGMA[3], SIGMA], ids=["one level", "a level a row"])
def test_by_class_is_the_empirical_denoiser_of_the_class(sigma):
    model, labels = EmpiricalByClass(TRAIN, LABELS), torch.tensor([0, 3, 3, 1, 0, 2, 1, 3])
    found = given(model, labels)(X, sigma)
    for row, label in enumerate(labels):
        level = sigma if sigma.ndim == 0 else sigma[row]
        expected = empirical(TRAIN[label == LABELS])(X[row : row + 1], level)
        torch.testing.assert_close(found[row : row + 1], expected)


def test_by_kernel_weighs_the_points():
    model, asked = (
        EmpiricalByKernel(TRAIN, PLACES, width=0.2),
        torch.rand(8, 1, generator=DRAWS, dtype=torch.float64),
    )
    found = given(model, asked)(X, SIGMA)
    for row in range(8):
        log_weights = (-((asked[row] - PLACES[:, 0]) ** 2) / (2 * 0.2**2)).log_softmax(0)
        expected = MixtureDenoiser(TRAIN, log_weights=log_weights)(X[row : row + 1], SIGMA[row])
        torch.testing.assert_close(found[row : row + 1], expected)


def test_a_wide_kernel_forgets_the_condition_and_a_narrow_one_copies():
    anywhere = PLACES[:8]
    wide = given(EmpiricalByKernel(TRAIN, PLACES, width=1e6), anywhere)
    torch.testing.assert_close(wide(X, SIGMA), empirical(TRAIN)(X, SIGMA))
    narrow = given(EmpiricalByKernel(TRAIN, PLACES, width=1e-6), anywhere)
    torch.testing.assert_close(narrow(X, SIGMA), TRAIN[:8])


def test_the_kernel_s_posterior_is_that_of_the_weighted_points():
    model, asked, source = EmpiricalByKernel(TRAIN, PLACES, width=0.3), PLACES[3:11], torch.arange(3, 11)
    found = model.posterior(X, SIGMA, asked, source=source)
    for row in range(8):
        log_weights = (-((asked[row] - PLACES[:, 0]) ** 2) / (2 * 0.3**2)).log_softmax(0)
        alone = MixtureDenoiser(TRAIN, log_weights=log_weights)
        expected = alone.posterior(X[row : row + 1], SIGMA[row], source=source[row : row + 1])
        torch.testing.assert_close(found.own[row : row + 1], expected.own)
        torch.testing.assert_close(found.log_density[row : row + 1], expected.log_density)
        torch.testing.assert_close(found.n_eff[row : row + 1], expected.n_eff)


def test_conditioned_samples_are_points_of_their_class():
    labels = torch.tensor([2, 0, 3, 1, 1])
    samples = sample(EmpiricalByClass(TRAIN, LABELS), seeds=range(5), labels=labels)
    nearest = (samples.double()[:, None] - TRAIN).flatten(2).norm(dim=2).argmin(1)
    assert torch.equal(LABELS[nearest], labels)


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda: EmpiricalByClass(TRAIN, LABELS[:9]), "labels"),
        (lambda: EmpiricalByClass(TRAIN, LABELS.double()), "EmpiricalByKernel"),
        (lambda: EmpiricalByClass(TRAIN, LABELS.tolist()), "as list"),
        (lambda: EmpiricalByKernel(TRAIN, PLACES.tolist(), 0.1), "as list"),
        (lambda: EmpiricalByClass(TRAIN[:0], LABELS[:0]), "at least one"),
        (
            lambda: EmpiricalByClass(TRAIN, LABELS)(X, SIGMA, torch.full((8,), 9)),
            r"class 9; need one of \[0, 1, 2, 3\]",
        ),
        (lambda: EmpiricalByClass(TRAIN, LABELS)(X, SIGMA, torch.tensor(1)), "one for each row"),
        (lambda: EmpiricalByKernel(TRAIN, PLACES[:, 0], 0.1), "conditions"),
        (lambda: EmpiricalByKernel(TRAIN, PLACES, 0.0), "width"),
        (lambda: EmpiricalByKernel(TRAIN, PLACES / 0, 0.1), "NaN or infinite"),
        (lambda: EmpiricalByKernel(TRAIN, PLACES, 0.1)(X, SIGMA, PLACES), "one for each row"),
    ],
)
def test_bad_conditions_are_refused(make, word):
    with pytest.raises(InputError, match=word):
        make()

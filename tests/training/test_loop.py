"""Training: exactly the loop one would write, resumed to the bit, and nothing else touched."""

import copy
import io
from dataclasses import replace
from itertools import chain, islice

import pytest
import torch

from byheart._checks import InputError
from byheart.models import MLP, MLPSpec, Preconditioned, UNet, UNetSpec
from byheart.random import generator
from byheart.training import DenoisingLoss, Loss, Training, begin, train

DATA = torch.randn(20, 1, 4, 4, generator=generator(0))
LOSS = DenoisingLoss(Loss())


def mlp():
    return Preconditioned(MLP((1, 4, 4), MLPSpec(width=16, blocks=1), generator(1)))


def unet():
    return Preconditioned(UNet((1, 4, 4), UNetSpec(width=8, groups=4, dropout=0.3), generator(1)))


def states(spec, model=None, start=None, data=DATA):
    model = model or (start.model if start else mlp())
    return train(model, data, spec, LOSS, start)


def last(spec, **more):
    *_, state = states(spec, **more)
    return state


def weights(state):
    return [weight.detach().clone() for weight in state.model.parameters()]


def same(a, b):
    return all(torch.equal(one, other) for one, other in zip(weights(a), weights(b), strict=True))


def recorded(spec, data=DATA):
    """The batches of every step, as row numbers of the data."""
    batches = []

    def loss(model, x0, source):
        batches.append([int((data == row).flatten(1).all(1).nonzero()) for row in x0])
        return LOSS(model, x0, source)

    for _ in train(mlp(), data, spec, loss):
        pass
    return batches


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_it_is_the_loop_one_would_write(optimizer):
    spec = Training(steps=6, batch=8, lr=0.01, warmup=4, optimizer=optimizer, seed=5)
    model, source = mlp(), generator(5)
    if optimizer == "adam":
        rule = torch.optim.Adam(model.parameters(), fused=True)
    else:
        rule = torch.optim.SGD(model.parameters(), momentum=0.95, fused=True)
    for step in range(1, 7):
        rule.param_groups[0]["lr"] = 0.01 * min(1, step / 4)
        objective = LOSS(model, DATA[torch.randint(20, (8,), generator=source)], source)
        rule.zero_grad()
        objective.backward()
        rule.step()
    found = last(spec)
    assert same(found, replace(found, model=model))
    assert torch.equal(found.loss, objective.detach())


def test_it_yields_every_state():
    found = [(state.step, state.loss is None) for state in states(Training(steps=3, batch=8))]
    assert found == [(0, True), (1, False), (2, False), (3, False)]


RECIPES = {
    "replacement": (mlp, Training(steps=9, batch=8, warmup=10)),
    "epochs": (mlp, Training(steps=9, batch=8, batches="epochs")),
    "full": (mlp, Training(steps=9, batch=8, batches="full")),
    "sgd": (mlp, Training(steps=9, batch=8, optimizer="sgd", lr=0.01)),
    "unet with dropout": (unet, Training(steps=7, batch=8)),
    "unet by sgd": (unet, Training(steps=7, batch=8, optimizer="sgd", lr=0.01)),
}


@pytest.mark.parametrize("recipe", RECIPES)
def test_resumed_from_a_state_is_undisturbed(recipe):
    model, spec = RECIPES[recipe]
    stop = next(islice(states(spec, model()), 5, None))
    assert same(last(spec, start=stop), last(spec, model=model()))


@pytest.mark.parametrize("recipe", RECIPES)
def test_resumed_from_a_file_is_undisturbed(recipe):
    # As a file would: every tensor contiguous, whatever layout it had.
    model, spec = RECIPES[recipe]
    stop = next(islice(states(spec, model()), 5, None))
    saved = [stop.model.state_dict(), stop.optimizer.state_dict(), stop.generator.get_state()]
    file = io.BytesIO()
    torch.save(_contiguous(saved), file)
    file.seek(0)
    trained, rule, stream = torch.load(file, weights_only=True)
    fresh = begin(model(), spec)
    fresh.model.load_state_dict(trained)
    fresh.optimizer.load_state_dict(rule)
    fresh.generator.set_state(stream)
    assert same(last(spec, start=replace(fresh, step=stop.step)), last(spec, model=model()))


def _contiguous(value):
    if isinstance(value, torch.Tensor):
        return value.detach().clone(memory_format=torch.contiguous_format)
    if isinstance(value, dict):
        return {key: _contiguous(inner) for key, inner in value.items()}
    return [_contiguous(inner) for inner in value] if isinstance(value, list) else value


@pytest.mark.parametrize("model", [mlp, unet], ids=["mlp", "unet with dropout"])
def test_the_global_stream_is_neither_read_nor_moved(model):
    spec = Training(steps=4, batch=8)
    undisturbed, disturbed = last(spec, model=model()), None
    for state in states(spec, model()):
        disturbed = state
        torch.rand(3)  # what a caller does between steps
        before = torch.get_rng_state()
    assert torch.equal(before, torch.get_rng_state())
    assert same(undisturbed, disturbed)


def test_a_failing_loss_gives_the_global_stream_back():
    def failing(model, x0, source):
        raise ArithmeticError

    before = torch.get_rng_state()
    with pytest.raises(ArithmeticError):
        list(train(unet(), DATA, Training(steps=1, batch=8), failing))
    assert torch.equal(before, torch.get_rng_state())


def test_dropout_changes_from_step_to_step():
    found, model = [], unet()
    still = Training(steps=3, batch=8, lr=1e-12, batches="full")

    def loss(model, x0, source):
        found.append(float(model(x0, torch.ones(())).detach().square().sum()))
        return LOSS(model, x0, source)

    for _ in train(model, DATA, still, loss):
        pass
    assert len(set(found)) == 3


def test_seeds_matter():
    assert same(last(Training(steps=3, batch=8)), last(Training(steps=3, batch=8)))
    assert not same(last(Training(steps=3, batch=8)), last(Training(steps=3, batch=8, seed=1)))


def test_epochs_see_every_row_once():
    batches = recorded(Training(steps=6, batch=8, batches="epochs"))
    assert [len(batch) for batch in batches] == [8, 8, 4, 8, 8, 4]
    first, second = ([*chain(*batches[start : start + 3])] for start in (0, 3))
    assert sorted(first) == sorted(second) == list(range(20))
    assert first != second


def test_replacement_draws_every_row_anew():
    rows = [*chain(*recorded(Training(steps=50, batch=16)))]
    assert set(rows) == set(range(20))
    assert any(len(set(rows[start : start + 16])) < 16 for start in range(0, len(rows), 16))


@pytest.mark.parametrize("spec", [Training(steps=2, batch=8, batches="full"), Training(steps=2, batch=20)])
def test_a_full_batch_is_the_data_in_order(spec):
    assert recorded(spec) == [list(range(20))] * 2


def test_training_learns():
    # White data of 20 points: a silent network has loss 1 on fresh noise, one that knows its points less.
    spec = Training(steps=150, lr=1e-2, warmup=10)
    model = Preconditioned(MLP((1, 4, 4), MLPSpec(width=64), generator(1)))
    losses = [float(state.loss) for state in states(spec, model) if state.step]
    assert 0.8 < losses[0] < 1.3 and sum(losses[-20:]) / 20 < 0.8


@pytest.mark.parametrize(
    ("data", "remedy"),
    [(DATA[:0], "choose a larger n"), (DATA / 0, "remove or repair")],
)
def test_data_that_cannot_be_learned_are_refused(data, remedy):
    with pytest.raises(InputError, match=remedy):
        next(states(Training(steps=1), data=data))


def test_a_start_of_another_model_is_refused():
    spec = Training(steps=1)
    with pytest.raises(InputError, match=r"start\.model"):
        next(states(spec, mlp(), start=copy.deepcopy(begin(mlp(), spec))))


def test_another_seed_goes_through_other_epochs():
    one, other = (recorded(Training(steps=3, batch=8, batches="epochs", seed=seed)) for seed in (0, 1))
    assert one != other

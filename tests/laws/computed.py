"""Everything that the package computes, at tiny sizes: name -> a function that computes it.  Inputs say their own types."""

import hashlib
import json
import tempfile
from dataclasses import fields, is_dataclass
from pathlib import Path


def main(default):
    """Print the digests of all results under a default type of torch, as JSON."""
    import torch

    torch.set_default_dtype(getattr(torch, default))
    print(json.dumps({name: digest(attempted(make)) for name, make in everything().items()}))


def everything():
    parts = (closed_forms, metrics, samplers, networks, encoders, runs, products)
    return {f"{part.__name__}: {name}": make for part in parts for name, make in part().items()}


def attempted(make):
    try:
        return make()
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def digest(value):
    import torch

    if isinstance(value, torch.Tensor):
        plain = value.detach().contiguous().flatten()
        return f"{plain.dtype} {hashlib.sha256(plain.view(torch.uint8).numpy().tobytes()).hexdigest()[:12]}"
    if is_dataclass(value):
        value = {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, dict):
        return {str(key): digest(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [digest(one) for one in value]
    return repr(value)


def normal(*shape, seed=0, dtype=None):
    import torch

    draws = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=draws, dtype=torch.float64).to(dtype or torch.float32)


def closed_forms():
    import torch
    from test_denoisers import DENOISERS, IMAGES, TRAIN

    from byheart import denoisers
    from byheart.denoisers import empirical

    few, odd = TRAIN.float(), torch.arange(20) % 2
    single = {
        "empirical": empirical(few),
        "smoothed": denoisers.smoothed(few, 0.5),
        "wiener": denoisers.wiener(few),
        "tikhonov": denoisers.tikhonov(empirical(few), 0.1),
        "shrunk by a number": denoisers.Shrunk(empirical(few), lambda x, sigma: 0.1),
        "local": denoisers.LocalScore(IMAGES.float(), 3, chunk=3),
        "by class": denoisers.given(denoisers.EmpiricalByClass(few, odd), torch.tensor([0, 1, 0])),
        "by kernel": denoisers.given(
            denoisers.EmpiricalByKernel(few, normal(20, 2), 0.5), normal(3, 2, seed=2)
        ),
    }
    shapes = {name: tuple(few.shape[1:]) for name in single} | {"local": tuple(IMAGES.shape[1:])}

    def answers(denoiser, shape, dtype):
        x = normal(3, *shape, seed=5, dtype=dtype)
        return [denoiser(x, torch.tensor(level, dtype=dtype)) for level in (0.1, 2.0)]

    return {
        f"{name} in {dtype}": lambda one=one, dtype=dtype: answers(one, one.shape, dtype)
        for name, one in DENOISERS.items()
        for dtype in (torch.float32, torch.float64)
    } | {
        f"{name} of float32": lambda name=name, one=one: answers(one, shapes[name], torch.float32)
        for name, one in single.items()
    }


def metrics():
    import torch
    from test_metrics import METRICS, REFERENCE, SAMPLES

    from byheart import metrics as public
    from byheart.denoisers import empirical, tikhonov
    from byheart.metrics.fidelity.gaps import frechet_gap, kid_gap
    from byheart.noise import geometric_levels
    from byheart.numerics.neighbors import nearest

    x, y = SAMPLES.float(), REFERENCE.float()
    model, other, flat = empirical(y), tikhonov(empirical(y), 0.1), y.flatten(1)
    level = torch.tensor(0.5, dtype=torch.float32)
    switches = torch.tensor([[0, 1], [1, 1], [1, 0]])
    return {
        f"{name} in {dtype}": lambda one=one, dtype=dtype: one.of(SAMPLES.to(dtype), REFERENCE.to(dtype))
        for name, one in METRICS.items()
        for dtype in (torch.float32, torch.float64)
    } | {
        "nearest": lambda: nearest(x, y, k=3),
        "nearest but themselves": lambda: nearest(y, y, k=2, exclude_self=True),
        "duplicates": lambda: [public.count_duplicates(y), public.collapse_duplicates(y)],
        "best strength": lambda: public.best_strength(y),
        "leave one out": lambda: public.leave_one_out(y, 0.3),
        "loss gap": lambda: public.loss_gap(model, x[:20], y[:20], 0.5, 0),
        "denoising loss": lambda: public.denoising_loss(model, x, 0.5, 0),
        "distance": lambda: public.distance(model, empirical(y[:20]), x, level),
        "dimension": lambda: public.dimension_gap(model, x[:9], y[:9], 0.5),
        "eigenvalues": lambda: [public.jacobian_eigenvalues(one, x[:3], level) for one in (model, other)],
        "trace": lambda: [public.jacobian_trace(one, x, level) for one in (model, other)],
        "own weight": lambda: public.own_weight(flat, 0.5),
        "collapse level": lambda: public.collapse_level(flat),
        "last switch": lambda: public.last_switch(switches, geometric_levels(3)[:3]),
        "clones": lambda: public.clone_agreement(torch.arange(9) // 2, torch.arange(9) // 3),
        "gap of FD": lambda: frechet_gap(x, y[:20], y[20:], seed=0),
        "gap of KID": lambda: kid_gap(x, y[:20], y[20:]),
        "rank test": lambda: public.mann_whitney(flat[:, 0], flat[:20, 1]),
    }


def samplers():
    from byheart.denoisers import empirical
    from byheart.noise import OU, S1Process, geometric_levels, karras_levels, s1_levels
    from byheart.sampling import euler_maruyama, probability_flow, process_flow, sample

    model, start = empirical(normal(8, 2, 3)), normal(4, 2, 3, seed=1)
    solvers = ("euler", "heun", "ancestral", "sde", euler_maruyama(OU()))
    return {
        f"solver {getattr(one, '__name__', one)}": lambda one=one: sample(model, seeds=range(4), solver=one)
        for one in solvers
    } | {
        "levels": lambda: [karras_levels(7), geometric_levels(7), s1_levels(7)],
        "probability flow": lambda: probability_flow(model, start, geometric_levels(5)),
        "process flow": lambda: process_flow(model, OU(), start, 1.0, 0.1),
        "processes": lambda: [one.alpha(0.5) for one in (OU(), S1Process())],
    }


def networks():
    from byheart.build.network import network
    from byheart.models import EDM, MLPSpec, OnProcess, UNetSpec
    from byheart.noise import DDPM, OU
    from byheart.training import DenoisingLoss, Loss, Training, train

    models = {
        "mlp": (MLPSpec(width=8), (1, 4, 4)),
        "unet": (UNetSpec(width=8, groups=2, dropout=0.1), (1, 8, 8)),
    }
    ways = {"edm": EDM(), "ou": OnProcess(process=OU()), "ddpm": OnProcess(process=DDPM())}

    def trained(spec, shape, way):
        made, spent = network(spec, way, shape, 0), Training(steps=3, batch=4)
        *_, last = train(made, normal(16, *shape), spent, DenoisingLoss(Loss()))
        return [last.loss, *last.model.state_dict().values()]

    return {
        f"{name}, {way}": lambda name=name, way=way: trained(*models[name], ways[way])
        for name in models
        for way in ways
    }


def encoders():
    from byheart.features import encode, encoder

    images = normal(6, 1, 32, 32).sigmoid()
    names = ("pixels", "pixels:4", "whitened", "convolutions", "dhash", "phash:mirrored")
    return {name: lambda name=name: encode(images, encoder(name, train=images)) for name in names} | {
        "a function": lambda: encode(images, encoder(lambda x: x.flatten(1)))
    }


def runs():
    """Carry out a run of every kind, as the tests of kinds make it, without times.  Audits are among the products: they take long."""
    from test_kinds import RUNS

    from byheart.experiments.runs.execute import execute
    from byheart.experiments.runs.run import parse_run

    def rows(kind):
        with tempfile.TemporaryDirectory() as root:
            folder = execute(parse_run({"kind": kind, **RUNS[kind]}), Path(root))
            return [{key: one[key] for key in one if "seconds" not in key} for one in folder.rows()]

    return {kind: lambda kind=kind: rows(kind) for kind in RUNS if kind != "audit"}


def products():
    import numpy as np

    import byheart
    from byheart.data import Data, load, split

    images = np.random.default_rng(0).integers(0, 256, (180, 16, 16), dtype=np.uint8)
    images[60:64] = images[80:84]
    features = np.random.default_rng(1).normal(size=(300, 8)).astype(np.float32)
    few = {"planted": 4, "queries": 50}

    def audited(samples, train, heldout, **more):
        found = byheart.audit(samples=samples, train=train, heldout=heldout, **few, **more)
        return found.model_dump_json(exclude={"seconds"})

    parts = split(load(Data(name="digits")), n=64, seed=0)
    memorizer = byheart.denoisers.empirical(parts.train)
    return {
        "audit": lambda: audited(
            images[:24], images[60:100], images[120:160], denoiser=lambda x, sigma: 0.9 * x
        ),
        "audit of features": lambda: audited(features[:50], features[50:150], features[150:]),
        "dedup": lambda: byheart.dedup(images[60:120], **few).model_dump_json(exclude={"seconds"}),
        "measure": lambda: byheart.measure(memorizer, parts, byheart.Plan(samples=16)),
        "sets": lambda: [load(Data(name=name)).images[:9] for name in ("digits", "mixture", "s2_points")],
    }

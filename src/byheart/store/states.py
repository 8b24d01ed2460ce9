"""Training states on disk: weights, optimizer, random stream and moving average in one safetensors file.

Training that continues from a loaded state has the same bits as without a stop: nothing is rounded, and the stream of random
numbers continues.
Tensors are named `model/…`, `ema/…`, `optimizer/<parameter>/<entry>` and `generator`; the step and the
optimizer's parameter groups travel as JSON in the file's metadata.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from byheart._checks import InputError
from byheart.store.folders import RunFolder

if TYPE_CHECKING:
    from torch import Tensor, nn

    from byheart.training.ema import EMA
    from byheart.training.loop import State

__all__ = ["load_state", "load_weights", "save_state", "save_weights"]

STATE, MODEL = "state", "model"


def save_state(folder: RunFolder, state: State, ema: EMA) -> None:
    """Write the training state and the moving average as state.safetensors."""
    optimizer = state.optimizer.state_dict()
    tensors: dict[str, Tensor] = {f"model/{name}": value for name, value in state.model.state_dict().items()}
    tensors |= {f"ema/{name}": value for name, value in ema.model.state_dict().items()}
    tensors |= {
        f"optimizer/{parameter}/{entry}": value
        for parameter, entries in optimizer["state"].items()
        for entry, value in entries.items()
        if value is not None
    }
    tensors["generator"] = state.generator.get_state()
    metadata = {"step": str(state.step), "groups": json.dumps(optimizer["param_groups"])}
    folder.save(STATE, _unshared(tensors), metadata)


def load_state(folder: RunFolder, state: State, ema: EMA) -> State:
    """Fill a fresh state and moving average with what `save_state` wrote; return the state at the stored step.

    Raises InputError if the file does not fit the model.
    """
    from dataclasses import replace

    tensors, metadata = folder.load(STATE), folder.metadata(STATE)
    _fill(state.model, _under(tensors, "model/"), folder)
    _fill(ema.model, _under(tensors, "ema/"), folder)
    entries: dict[int, dict[str, Tensor]] = {}
    for name, value in _under(tensors, "optimizer/").items():
        parameter, entry = name.split("/", 1)
        entries.setdefault(int(parameter), {})[entry] = value
    state.optimizer.load_state_dict({"state": entries, "param_groups": json.loads(metadata["groups"])})
    state.generator.set_state(tensors["generator"])
    return replace(state, step=int(metadata["step"]))


def save_weights(folder: RunFolder, model: nn.Module, step: int) -> None:
    """Write the weights that are evaluated (the moving average, if there is one) as model.safetensors."""
    folder.save(MODEL, _unshared(model.state_dict()), {"step": str(step)})


def load_weights(folder: RunFolder, model: nn.Module) -> int:
    """Fill a model with the weights of model.safetensors; return the step of these weights.  Raises InputError if the weights do not fit."""
    _fill(model, folder.load(MODEL), folder)
    return int(folder.metadata(MODEL)["step"])


def _under(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def _unshared(tensors: dict[str, Any]) -> dict[str, Tensor]:
    # safetensors refuses tensors that share memory (flat parameter buffers do): each name gets its own copy.
    return {name: value.detach().clone() for name, value in tensors.items()}


def _fill(model: nn.Module, weights: dict[str, Tensor], folder: RunFolder) -> None:
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        raise InputError(
            got=f"weights in {folder.path} that do not fit the model of its run.json ({error})",
            need="weights written by the same specification",
            remedy="delete the run's folder and run the same command again",
        ) from error

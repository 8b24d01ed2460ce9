"""A table over a set in shards: every shard is searched by some worker, and the k best are merged.

    table(queries, set) = merge over shards of search(queries, rows of the shard)

`search` is any function from queries and a stream of rows to a `TopK`: nearest neighbors, or the shortlist of the copy
test.  It travels to the workers by its name, its settings with `functools.partial`.

Checkpoints.  Each worker writes the table of its shard to

    checkpoints/<key>.safetensors,  key = SHA-256 of queries × shard × search and settings × version × product backend

and the caller merges these files one at a time: neither side ever holds more than two blocks of rows (256 MB) and two tables.  A
shard whose table is there is not searched again, whoever was killed; whose worker is lost, it is done again.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager
from dataclasses import dataclass, fields, is_dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from torch import Tensor

from byheart._checks import InputError
from byheart._records import write_atomic
from byheart._version import __version__
from byheart.executors import local, ray
from byheart.features.shards import ShardFile, Shards, stream
from byheart.metrics.sharded import neighbors_of, shard_table
from byheart.numerics.neighbors import Neighbors
from byheart.numerics.products import Backend, product_backend, use_backend
from byheart.numerics.topk import Rows, TopK, merged, without

__all__ = ["Executor", "Search", "neighbor_table", "sharded_table"]

Search = Callable[[Tensor, Iterable[Rows]], TopK]
"""Queries (q, *shape) and the rows of a shard, as they stream by -> the table of this shard, indices the rows' ids."""

Executor = Literal["local", "ray"]

PATIENCE = 3  # rounds in a row in which no shard was finished


def neighbor_table(
    queries: Tensor,
    shards: Shards,
    k: int = 2,
    *,
    own: Tensor | None = None,
    executor: Executor = "local",
    workers: int = 1,
    address: str = "local",
    checkpoints: Path | None = None,
    tell: local.Tell = lambda event: None,
) -> Neighbors:
    """Find the k nearest rows of a sharded set for every query, exactly as `numerics.neighbors.nearest`, over many machines.

    queries: (q, *shape), in the units of the shards.  own: (q,) int64 ids of the queries' own rows, where these are
    rows of the set (leave-one-out).  The other settings are those of `sharded_table`.
    Raises InputError as `sharded_table` and `shard_table` do, and if the set has fewer than k rows to choose from.
    """
    wanted = k if own is None else k + 1
    found = sharded_table(
        queries,
        shards,
        partial(shard_table, k=wanted),
        executor=executor,
        workers=workers,
        address=address,
        checkpoints=checkpoints,
        tell=tell,
    )
    return neighbors_of(found if own is None else without(found, own))


def sharded_table(
    queries: Tensor,
    shards: Shards,
    search: Search,
    *,
    executor: Executor = "local",
    workers: int = 1,
    address: str = "local",
    checkpoints: Path | None = None,
    tell: local.Tell = lambda event: None,
) -> TopK:
    """Search all shards and merge their tables.

    search: a function of a module, its settings bound with `functools.partial` (numbers, texts, tensors, dataclasses).
    executor: local processes, or Ray tasks on the cluster at `address`.  workers: shards searched at once.
    checkpoints: where finished shards are kept, a folder that every machine sees; None: nowhere.
    tell: hears {"kind": "shard", "name", "rows"} when a shard is done.
    The result is the same bits for every executor, number of workers and history of interruptions.

    Raises InputError for rows of another shape, settings without an identity, a cluster without checkpoints, a shard
    that is not what its manifest says, and for one whose workers die again and again; and what `search` raises.
    """
    _check(queries, shards, executor, workers, address, checkpoints)
    with _folder(checkpoints) as folder:
        jobs = _jobs(queries, shards, search, folder)
        if executor == "ray":
            _finish(jobs, partial(ray.run_all, workers=workers, address=address, tell=tell))
        else:
            _finish(jobs, partial(local.run_all, workers=workers, tell=tell))
        return merged(_read(job.table) for job in jobs)


@dataclass(frozen=True)
class _Job:
    """One shard to search.  Everything large is in files: a job is a few hundred bytes."""

    search: Search
    queries: Path
    folder: Path
    shard: ShardFile
    table: Path
    backend: Backend
    version: str


def _search_shard(job: _Job | None, tell: local.Tell) -> None:
    if job is None:
        return
    if job.version != __version__:
        raise InputError(
            got=f"a worker with byheart {__version__}",
            need=f"byheart {job.version}, as the caller has",
            remedy="install the same version on every machine",
        )
    use_backend(job.backend)  # products of another backend have other bits
    found = job.search(load_file(job.queries)["queries"], stream(job.folder, job.shard))
    tensors = {"value": found.value.contiguous(), "index": found.index.contiguous()}
    write_atomic(job.table, save(tensors, {"largest": str(found.largest)}))
    tell({"kind": "shard", "name": job.shard.name, "rows": job.shard.rows})


def _jobs(queries: Tensor, shards: Shards, search: Search, folder: Path) -> list[_Job]:
    rows = queries.detach().cpu().contiguous()
    asked = _digest(rows)
    file = folder / f"queries-{asked[:16]}.safetensors"
    if not _whole(file):
        write_atomic(file, save({"queries": rows}))
    backend, version = product_backend(), __version__
    task = [asked, _identity(search), version, backend]
    return [
        _Job(
            search, file, shards.folder, shard, folder / f"{_key(task, shard)}.safetensors", backend, version
        )
        for shard in shards.manifest.files
    ]


def _key(task: Sequence[str], shard: ShardFile) -> str:
    return hashlib.sha256("\n".join([*task, shard.sha256]).encode()).hexdigest()[:32]


def _finish(jobs: Sequence[_Job], run_all: Callable[..., list[local.Outcome[None]]]) -> None:
    """Search the shards that have no table yet, until all have one."""
    waiting = [job for job in jobs if not _whole(job.table)]
    idle = 0
    while waiting:
        # None: a list of one is done in the caller's own process, which a fatal shard would take with it.
        outcomes = run_all(_search_shard, [*waiting, None])
        errors = [outcome.error for outcome in outcomes if outcome.error is not None]
        for error in errors:
            if not isinstance(error, BrokenExecutor):
                raise error
        left = [job for job in waiting if not _whole(job.table)]
        if left and not errors:
            raise InputError(
                got=f"no table {left[0].table}, although a worker wrote it",
                need="checkpoints in a folder that the caller and all workers see",
                remedy="name a folder of a shared file system",
            )
        idle = idle + 1 if len(left) == len(waiting) else 0
        if idle == PATIENCE:
            raise InputError(
                got=f"workers that die again and again ({errors[0]}), {len(left)} shards left: "
                + ", ".join(job.shard.name for job in left[:3]),
                need="workers that live until their shard is done",
                remedy="start fewer workers on a machine; the finished shards are kept in the checkpoints",
            )
        waiting = left


def _whole(file: Path) -> bool:
    try:
        with safe_open(file, framework="pt"):
            return True
    except (FileNotFoundError, SafetensorError):
        return False


def _read(file: Path) -> TopK:
    with safe_open(file, framework="pt") as stored:
        largest = stored.metadata()["largest"] == "True"
        return TopK(stored.get_tensor("value"), stored.get_tensor("index"), largest)


@contextmanager
def _folder(checkpoints: Path | None) -> Iterator[Path]:
    if checkpoints is not None:
        checkpoints.mkdir(parents=True, exist_ok=True)
        yield checkpoints.resolve()
        return
    with TemporaryDirectory(prefix="byheart-") as folder:
        yield Path(folder)


def _identity(part: object) -> str:
    """Describe a search and its settings as text that is the same in every process."""
    match part:
        case partial():
            settings = ", ".join(f"{name}={_identity(part.keywords[name])}" for name in sorted(part.keywords))
            return f"{_identity(part.func)}({', '.join(map(_identity, part.args))}; {settings})"
        case Tensor():
            return _digest(part)
        case None | bool() | int() | float() | str():
            return repr(part)
        case tuple():
            return f"({', '.join(map(_identity, part))})"
    if is_dataclass(part) and not isinstance(part, type):
        held = ", ".join(_identity(getattr(part, field.name)) for field in fields(part))
        return f"{type(part).__module__}.{type(part).__qualname__}({held})"
    name = getattr(part, "__qualname__", "")
    if not inspect.isfunction(part) or "<" in name:
        raise InputError(
            got=f"{part!r} in a search",
            need="a function of a module, with numbers, texts, tensors, tuples or dataclasses of these as settings",
            remedy="write it as a function at the top of a file, and bind its settings with functools.partial",
        )
    # Its source belongs to it: a table of an earlier version of the function is none of this one's.
    source = hashlib.sha256(inspect.getsource(part).encode()).hexdigest()
    return f"{part.__module__}.{name}:{source}"


def _digest(x: Tensor) -> str:
    digest = hashlib.sha256(f"{tuple(x.shape)} {x.dtype}".encode())
    digest.update(x.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _check(
    queries: Tensor, shards: Shards, executor: str, workers: int, address: str, checkpoints: Path | None
) -> None:
    shape = shards.manifest.shape
    if queries.ndim < 2 or tuple(queries.shape[1:]) != shape or not len(queries):
        raise InputError(
            got=f"queries {tuple(queries.shape)} and shards with rows {shape}",
            need="at least one query, of the shape of the rows",
            remedy="encode the queries as the shards were encoded",
        )
    if executor not in ("local", "ray"):
        raise InputError(
            got=f"executor {executor!r}", need="'local' or 'ray'", remedy="leave it out for local processes"
        )
    if workers < 1:
        raise InputError(
            got=f"a search with {workers} workers", need="at least one worker", remedy="leave it out for one"
        )
    if executor == "ray" and address != "local" and checkpoints is None:
        raise InputError(
            got=f"the cluster at {address} without checkpoints",
            need="a folder that the caller and all workers see",
            remedy="name one: checkpoints=Path(…)",
        )

"""The table over shards is the table of one search: in any number of workers, after any interruption, over Ray."""

import inspect
import os
import re
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import torch

from byheart._checks import InputError
from byheart.auditing import sharded
from byheart.auditing.sharded import neighbor_table, sharded_table
from byheart.features.shards import numbered, take, write_shards
from byheart.metrics.copying.spaces import Spaces, spaces
from byheart.metrics.sharded import shard_shortlist, shard_table
from byheart.numerics.neighbors import nearest

HERE = Path(__file__).parent


def normal(seed, *shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


REFERENCE, QUERIES = normal(0, 600, 12), normal(1, 50, 12)


@pytest.fixture
def shards(tmp_path):
    return write_shards(tmp_path / "shards", numbered(REFERENCE.split(100)), rows=110)  # six files


def assert_whole(found, k=2):
    whole = nearest(QUERIES, REFERENCE, k)
    assert torch.equal(found.distance, whole.distance) and torch.equal(found.index, whole.index)


def killed_once(queries, batches, *, marker, node="", k=2):
    """`shard_table`, killed half-way through the second shard at the first attempt; leaves the id of its node."""
    batches = list(batches)
    found = shard_table(queries, batches, k=k)
    if node:
        import time

        import ray

        time.sleep(0.5)
        Path(node, ray.get_runtime_context().get_node_id()).touch()
    if int(batches[0][0][0]) == 110 and not Path(marker).exists():
        Path(marker).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return found


def always_killed(queries, batches):
    if int(next(iter(batches))[0][0]) == 110:
        os.kill(os.getpid(), signal.SIGKILL)
    return shard_table(queries, batches)


def scaled(queries, batches, *, by):
    return shard_table(queries * by, batches)


def names_of(events):
    return sorted(event["name"] for event in events)


@pytest.mark.parametrize("workers", [1, 2])
def test_equal_to_one_search(shards, workers):
    events = []
    assert_whole(neighbor_table(QUERIES, shards, 3, workers=workers, tell=events.append), 3)
    assert names_of(events) == [file.name for file in shards.manifest.files]
    assert sum(event["rows"] for event in events) == 600


def test_leave_one_out(shards):
    own = torch.arange(40, 90)
    found = neighbor_table(REFERENCE[own], shards, 3, own=own)
    whole = nearest(REFERENCE, REFERENCE, 3, exclude_self=True)
    assert torch.equal(found.distance, whole.distance[own]) and torch.equal(found.index, whole.index[own])


def test_finished_shards_are_kept(shards, tmp_path):
    def table(queries=QUERIES, of=shards, **options):
        events = []
        found = neighbor_table(queries, of, checkpoints=tmp_path / "kept", tell=events.append, **options)
        return found, names_of(events)

    assert len(table()[1]) == 6
    found, searched = table()
    assert searched == []
    assert_whole(found)
    tables = sorted(file for file in (tmp_path / "kept").iterdir() if not file.name.startswith("queries"))
    tables[0].unlink()
    tables[1].write_bytes(tables[1].read_bytes()[:-20])  # a file system that lost its end
    found, searched = table()
    assert len(searched) == 2
    assert_whole(found)
    assert len(table(k=3)[1]) == 6
    assert len(table(QUERIES + 1)[1]) == 6
    other = write_shards(
        tmp_path / "other", numbered([REFERENCE[:100], REFERENCE[100:110], REFERENCE[110:] + 1]), rows=110
    )
    assert table(of=other)[1] == [
        f"part-0000{i}.parquet" for i in range(1, 6)
    ]  # the first has the same bytes


def test_the_shard_of_a_killed_worker_is_done_again(shards, tmp_path):
    search = partial(killed_once, marker=str(tmp_path / "marker"))
    found = sharded_table(QUERIES, shards, search, workers=2)
    assert (tmp_path / "marker").exists()
    assert_whole(sharded.neighbors_of(found))


def test_a_shard_that_kills_its_workers_is_named(shards, tmp_path, monkeypatch):
    monkeypatch.setattr(sharded, "PATIENCE", 1)
    with pytest.raises(InputError, match=r"workers that die .*part-0000\d\.parquet"):
        sharded_table(QUERIES, shards, always_killed, workers=2, checkpoints=tmp_path / "kept")


def test_any_search_travels(tmp_path):
    images = torch.rand(60, 1, 32, 32, generator=torch.Generator().manual_seed(3))
    stored = write_shards(tmp_path / "images", numbered([images]), rows=25)
    search = partial(shard_shortlist, found=spaces(images), k=5)
    queries = images[::6].roll(1, 3)
    found = sharded_table(queries, stored, search, workers=2)
    assert found.largest and torch.equal(found.index[:, 0], torch.arange(0, 60, 6))
    assert torch.equal(found.value, sharded_table(queries, stored, search).value)


def test_the_shortlisted_images_alone_give_the_same_shortlists(tmp_path):
    images = torch.rand(400, 1, 32, 32, generator=torch.Generator().manual_seed(3))
    stored = write_shards(tmp_path / "images", numbered([images]), rows=150)
    search = partial(shard_shortlist, found=spaces(images[:100]), k=5)
    queries = images[::40].roll(1, 3)
    whole = sharded_table(queries, stored, search)
    ids = whole.index.unique()
    assert len(ids) < 60
    again = search(queries, [(ids, take(stored, ids))])
    assert torch.equal(again.index, whole.index)


def test_the_page_runs(tmp_path):
    page = (HERE.parents[1] / "docs/how-to/at-scale.md").read_text()
    blocks = re.findall(r"^```python\n(.*?)^```$", page, flags=re.S | re.M)
    (cluster,) = [block for block in blocks if "address=" in block]
    images = torch.rand(2100, 1, 32, 32, generator=torch.Generator().manual_seed(3)).mul(255).to(torch.uint8)
    queries = images[::400].float() / 255
    given = {"folder": tmp_path, "batches": images.split(500), "samples": queries[:3], "heldout": queries[3:]}
    exec("\n".join(block for block in blocks if block is not cluster), given)
    assert given["shortlist"].index[:, 0].tolist() == list(range(0, 2100, 400))
    assert torch.equal(given["nearest"].index[:, 0], given["shortlist"].index[:, 0])
    assert (given["nearest"].distance[:, 0] == 0).all() and given["nearest"].distance.shape == (6, 10)
    assert torch.equal(given["train"], images[given["ids"]]) and len(given["train"]) <= 2000 + 32 * 6
    exec(cluster.partition("shortlist =")[0], given)
    assert set(given["where"]) <= set(inspect.signature(sharded_table).parameters)


def test_a_search_is_known_by_its_code_and_settings():
    def key(search):
        return sharded._identity(search)

    response = torch.rand(32, 17)
    searches = [
        shard_table,
        partial(shard_table, k=2),
        partial(shard_table, k=3),
        partial(scaled, by=1.0),
        partial(scaled, by=2.0),
        partial(scaled, by=response),
        partial(scaled, by=response + 1),
        partial(scaled, by=(1, 2)),
        partial(scaled, by=Spaces(response, response, response)),
        partial(scaled, by=Spaces(response, response, response + 1)),
    ]
    assert len({key(search) for search in searches}) == len(searches)
    assert key(partial(scaled, by=response)) == key(partial(scaled, by=response.clone()))


@pytest.mark.parametrize("search", [lambda q, b: None, partial(scaled, by=[1]), partial(scaled, by=object())])
def test_a_search_without_an_identity_is_refused(shards, search):
    with pytest.raises(InputError, match="a function of a module"):
        sharded_table(QUERIES, shards, search)


@pytest.mark.parametrize(
    ("queries", "options", "message"),
    [
        (torch.zeros(3, 11), {}, "encode the queries"),
        (torch.zeros(0, 12), {}, "at least one query"),
        (torch.zeros(12), {}, "at least one query"),
        (QUERIES, {"workers": 0}, "at least one worker"),
        (QUERIES, {"executor": "dask"}, "'local' or 'ray'"),
        (QUERIES, {"executor": "ray", "address": "auto"}, "without checkpoints"),
        (QUERIES, {"k": 601}, "fewer than 601 rows"),
        (torch.full((1, 12), torch.nan), {}, "NaN"),
        (torch.zeros(1, 12, dtype=torch.uint8), {}, "both bytes"),
    ],
)
def test_bad_input_is_refused(shards, queries, options, message):
    with pytest.raises(InputError, match=message):
        neighbor_table(queries, shards, **options)


def test_a_changed_shard_is_refused(shards):
    file = shards.folder / "part-00003.parquet"
    data = bytearray(file.read_bytes())
    data[100] ^= 1
    file.write_bytes(data)
    with pytest.raises(InputError, match=r"part-00003\.parquet, SHA-256"):
        neighbor_table(QUERIES, shards)


def test_a_worker_of_another_version_is_refused(shards, monkeypatch):
    jobs = sharded._jobs(QUERIES, shards, shard_table, shards.folder)
    monkeypatch.setattr(sharded, "__version__", "0.0.0")
    with pytest.raises(InputError, match=r"a worker with byheart 0\.0\.0"):
        sharded._search_shard(jobs[0], lambda event: None)


def test_checkpoints_that_the_caller_does_not_see_are_refused(shards, monkeypatch):
    monkeypatch.setattr(sharded, "write_atomic", lambda file, content: None)
    monkeypatch.setattr(sharded, "load_file", lambda file: {"queries": QUERIES})
    with pytest.raises(InputError, match="shared file system"):
        neighbor_table(QUERIES, shards)


MEMORY = """
import re, sys
from pathlib import Path
import torch
from byheart.auditing.sharded import neighbor_table
from byheart.features.shards import numbered, take, write_shards

def peak():
    # Of this program alone: what getrusage says begins with the peak of the process that started it.
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) / 1024

def batches(count):
    generator = torch.Generator().manual_seed(0)
    return (torch.randn(10_000, 256, generator=generator) for _ in range(count // 10_000))

torch.set_num_threads(1)
folder, rows = Path(sys.argv[1]), int(sys.argv[2])
queries = torch.randn(1000, 256, generator=torch.Generator().manual_seed(1))
neighbor_table(queries, write_shards(folder / "small", numbered(batches(10_000))))  # all is loaded by now
before = peak()
shards = write_shards(folder / "large", numbered(batches(rows)))
written = peak()
found = neighbor_table(queries, shards, 10)
assert shards.rows == rows and found.index.max() > rows // 2
print(written - before, peak() - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads Linux's account of memory")
def test_a_million_rows_in_bounded_memory(tmp_path):
    def extra(rows):
        code = [sys.executable, "-c", MEMORY, str(tmp_path / str(rows)), str(rows)]
        done = subprocess.run(code, capture_output=True, text=True, check=True)
        return map(float, done.stdout.split())

    written, searched = extra(1_000_000)
    assert written < 100 and searched < 350, (written, searched)  # MB, for 1,024 MB of features in one file
    _, four_times_less = extra(250_000)
    assert searched < 1.2 * four_times_less, (searched, four_times_less)  # does not grow with n


@pytest.fixture
def two_raylets(monkeypatch):
    pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("PYTHONPATH", str(HERE))  # workers find `killed_once`
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    cluster.second = cluster.add_node(num_cpus=1)
    cluster.wait_for_nodes()
    yield cluster
    cluster.shutdown()


on_ray = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::FutureWarning:ray"),
]


def ray_marks(test):
    for mark in on_ray:
        test = mark(test)
    return test


def over_raylets(two_raylets, shards, search, checkpoints, tell):
    return sharded_table(
        QUERIES,
        shards,
        search,
        executor="ray",
        workers=2,
        address=two_raylets.address,
        checkpoints=checkpoints,
        tell=tell,
    )


@ray_marks
def test_over_two_raylets_with_a_killed_worker(shards, tmp_path, two_raylets):
    (tmp_path / "nodes").mkdir()
    search = partial(killed_once, marker=str(tmp_path / "marker"), node=str(tmp_path / "nodes"))
    events = []
    found = over_raylets(two_raylets, shards, search, tmp_path / "kept", events.append)
    assert (tmp_path / "marker").exists()
    assert len(list((tmp_path / "nodes").iterdir())) == 2  # both raylets worked
    assert set(names_of(events)) == {file.name for file in shards.manifest.files}
    assert_whole(sharded.neighbors_of(found))


@ray_marks
def test_over_ray_with_a_machine_lost(shards, tmp_path, two_raylets):
    def lose_it(event):
        if two_raylets.second in two_raylets.list_all_nodes():
            two_raylets.remove_node(two_raylets.second, allow_graceful=False)

    search = partial(killed_once, marker=str(shards.folder), node=str(tmp_path))  # kills nothing: it exists
    found = over_raylets(two_raylets, shards, search, tmp_path / "kept", lose_it)
    assert two_raylets.second not in two_raylets.list_all_nodes()
    assert_whole(sharded.neighbors_of(found))


@ray_marks
def test_over_ray_on_this_machine(shards):
    assert_whole(neighbor_table(QUERIES, shards, executor="ray", workers=2))

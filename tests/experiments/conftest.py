"""A run of seconds, for everything that needs a whole one."""

import pytest
from tiny_run import tiny_settings

from byheart.experiments.runs.execute import execute
from byheart.experiments.runs.run import parse_run


@pytest.fixture(scope="session")
def tiny():
    return parse_run(tiny_settings())


@pytest.fixture(scope="session")
def finished(tiny, tmp_path_factory):
    return execute(tiny, tmp_path_factory.mktemp("runs"))

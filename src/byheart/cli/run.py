"""byheart run: go on with a run that was cut off."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from byheart.cli.options import Device, Root

__all__ = ["run"]


def run(
    name: Annotated[Positional[str], arg(metavar="RUN")],
    *,
    device: Device = "auto",
    root: Root = Path("runs"),
) -> int:
    """Go on with a run that was cut off.

    It ends with the same bits as if it had never stopped; a whole run is left as it is.

    Args:
        name: The id of a run, the beginning of it, or the path of its folder.
        device: Where to train a run that has not begun; one that has keeps its device.
        root: Where the runs are kept.
    """
    from byheart.cli.progress import progress
    from byheart.experiments.runs.execute import announced, execute_all, failures
    from byheart.experiments.runs.run import parse_run
    from byheart.store.folders import find_run

    folder = find_run(root, name)
    spec = parse_run(folder.header()["spec"])
    with progress(1) as tell:
        tell(announced({spec.kind: [spec]}))
        outcomes = execute_all([spec], folder.path.parent, device=device, tell=tell)
    if (error := failures(outcomes, [spec])) is not None:
        raise error
    print(folder.path)
    return 0

"""kind = "flow": the settings of such a run."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from byheart._checks import InputError
from byheart.data.spec import Data
from byheart.denoisers.spec import AnyClosedForm, EmpiricalForm
from byheart.experiments.kinds.shared.any_spec import AnyKind
from byheart.noise.levels import Grid
from byheart.noise.process import S2VE, AnyProcess
from byheart.sampling.spec import SolverName

__all__ = ["FlowRun"]

HALF = {"pair": 1.0, "cross": 0.7071}
"""Half the distance of the first two points."""

FlowSolver = Literal[SolverName, "maruyama", "adaptive"]


class FlowRun(AnyKind):
    """Follow many trajectories of a closed form from noise to the end, and record their positions at every level (S2).

    data, n: the points; n of them, chosen by the data's split_seed (the first n with data.sequential).
    seed: Random seed of the starts and of the solver's noise, one stream per trajectory.  count: trajectories.
    denoiser: the formula of the points.  grid: the levels; trajectories start from N(0, level²) at the largest level.
    solver: "adaptive" keeps the tolerance `rtol` instead of a number of steps; "maruyama" steps in the time of `process`.
    tolerances: distances, each the name of a share of trajectories within it of a point.
    points: "data", or two or four points that stand for themselves: "pair" (±1, 0) and "cross" (±1, 0), (0, ±1), whatever n.
    start: "noise", or "hyperplane": on the plane between the first two of these points, shifted off the plane by `offset`.
    kernel_width: condition every trajectory on the label of one of the points, through a kernel of this width.
    own_time: also integrate the process's own equation between these levels, and record the largest difference.
    records: how many of the levels are recorded, evenly over the grid, first and last included.
    """

    kind: Literal["flow"] = "flow"
    data: Data = Data(name="s2_points", standardize=False, sequential=True)
    n: int = Field(default=20, ge=2)
    seed: NonNegativeInt = 0
    count: PositiveInt = 1000
    denoiser: AnyClosedForm = EmpiricalForm()
    process: AnyProcess = S2VE()
    grid: Grid = Grid(kind="geometric", steps=200, low=1e-6, high=4.6366)
    solver: FlowSolver = "heun"
    rtol: PositiveFloat = 1e-8
    tolerances: tuple[PositiveFloat, ...] = (0.01,)
    points: Literal["data", "pair", "cross"] = "data"
    start: Literal["noise", "hyperplane"] = "noise"
    offset: float = Field(default=0.0, ge=0)
    kernel_width: PositiveFloat | None = None
    own_time: bool = False
    records: int = Field(default=26, ge=2)

    @model_validator(mode="after")
    def _hangs_together(self) -> FlowRun:
        if self.offset and self.start != "hyperplane":
            raise InputError(
                got=f"an offset of {self.offset} for starts from noise",
                need='start "hyperplane"',
                remedy="set start, or leave the offset out",
            )
        if self.start == "hyperplane" and (self.points == "data" or self.offset >= HALF[self.points]):
            raise InputError(
                got=f"a hyperplane of the points {self.points!r} with an offset of {self.offset}",
                need='points "pair" or "cross", and an offset below half their distance',
                remedy="set points; between other points the plane is not left alone by the others",
            )
        if self.kernel_width is not None and self.denoiser != EmpiricalForm():
            raise InputError(
                got=f"a kernel on conditions with the denoiser {self.denoiser.kind}",
                need="the empirical denoiser, without shrinkage",
                remedy="leave kernel_width or the denoiser out",
            )
        return self

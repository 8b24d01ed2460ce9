"""Studies: published experiments as recipes, in scales, with their claims.

A study is a TOML file: `arms` (what is trained), `scales` (how much of it), `claims` (what it should show), `says` (what its
page says once these claims are decided).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial
from hashlib import sha256
from typing import Any

from pydantic import Field, model_validator

from byheart._checks import InputError, unknown
from byheart._records import Spec, identity
from byheart.data.spec import Data
from byheart.experiments.catalog import study_file, study_names
from byheart.experiments.quantities import check_quantity
from byheart.experiments.runs.run import Run
from byheart.experiments.study.claims import Claim, ScaleName
from byheart.experiments.study.sentences import Sentence
from byheart.experiments.sweeps.sweep import Sweep, checked, merged, read_toml

__all__ = [
    "Arm",
    "ArmGrid",
    "Scale",
    "Study",
    "load_study",
]

MEND = "mend the name in the study's TOML file"


class Arm(Spec):
    """One kind of model and its training.  base: settings of a run.  steps_per_image: training steps = this × n."""

    base: dict[str, Any]
    steps_per_image: float | None = Field(default=None, gt=0)


class ArmGrid(Spec):
    """One arm at one scale: a grid over its settings, and settings put over its base."""

    arm: str
    grid: dict[str, list[Any]] = {}
    base: dict[str, Any] = {}
    steps_per_image: float | None = Field(default=None, gt=0)


class Scale(Spec):
    """A size of a study.  takes: how long this size takes, in words."""

    takes: str
    arms: tuple[ArmGrid, ...] = Field(min_length=1)


class Study(Spec):
    """A published experiment.

    paper: its arXiv identifier.  main_arm: the arm that the report shows first.  page: the study of the package whose page
    shows it.  for_your_data: advice for users with other data; empty if the study accepts other data.
    varies: the settings that a grid may vary, since the page compares runs that differ in nothing else; empty for any.
    published: curves of the paper's figures: figure -> name of a record -> points (x, value).  says: sentences of its page.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    title: str
    paper: str
    page: str
    for_your_data: str = ""
    varies: tuple[str, ...] = ("n", "seed")
    main_arm: str
    arms: dict[str, Arm]
    scales: dict[ScaleName, Scale]
    claims: tuple[Claim, ...] = ()
    published: dict[str, dict[str, tuple[tuple[float, float], ...]]] = {}
    says: tuple[Sentence, ...] = ()

    @model_validator(mode="after")
    def _hangs_together(self) -> Study:
        # Before any training: a misspelled name that is noticed afterwards costs hours.
        _check_names(self)
        for claim in self.claims:
            check_quantity(claim.quantity, self.published)
        return self

    def scale(self, name: str) -> Scale:
        """Return the scale of that name.  Raises InputError if the study has no such scale."""
        if name not in self.scales:
            raise unknown(
                f"the study {self.name} at scale", name, self.scales, remedy="choose one with --scale"
            )
        return self.scales[name]

    def only(self, scale: str, arms: Collection[str]) -> Study:
        """Reduce the study to these arms at this scale, the claims about these arms, and the sentences that rest on
        these claims.  The other scales of the study stay as they are.
        """
        whole = self.scale(scale)
        fewer = whole.model_copy(update={"arms": tuple(cell for cell in whole.arms if cell.arm in arms)})
        claims = tuple(claim for claim in self.claims if claim.arm in arms)
        ids = {claim.id for claim in claims}
        says = tuple(sentence for sentence in self.says if ids.issuperset(sentence.rests_on))
        return self.model_copy(
            update={"scales": {**self.scales, scale: fewer}, "claims": claims, "says": says}
        )

    def sweeps(self, scale: str, data: Data | None = None) -> dict[str, Sweep]:
        """Return arm -> sweep at a scale; `data` replaces the recipe's data."""
        return {cell.arm: self._sweep(cell, data) for cell in self.scale(scale).arms}

    def _sweep(self, cell: ArmGrid, data: Data | None) -> Sweep:
        if data is not None and self.for_your_data:
            raise InputError(
                got=f"other data for the study {self.name}",
                need="the paper's own points and images, which its formulas are about",
                remedy=f"for your data: {self.for_your_data}",
            )
        arm = self.arms[cell.arm]
        base = merged(arm.base, cell.base)
        return Sweep(
            name=f"{self.name}-{cell.arm}",
            base=base if data is None else {**base, "data": _in_place_of(base.get("data", {}), data)},
            grid=cell.grid,
            steps_per_image=cell.steps_per_image or arm.steps_per_image,
        )

    def runs(self, scale: str, data: Data | None = None) -> dict[str, list[Run]]:
        """Return arm -> runs at a scale, the longest run first.  Raises InputError for settings that describe no run."""
        cells = self.scale(scale).arms
        return {
            cell.arm: self._sweep(cell, data).runs(partial(_place, f"scales.{scale}.arms (entry {at})", cell))
            for at, cell in enumerate(cells, 1)
        }

    def folder_name(self, scale: str, data: Data | None = None) -> str:
        """Name the folder of this study's report; the name changes with every setting of a run."""
        sweeps = "".join(identity(sweep) for sweep in self.sweeps(scale, data).values())
        return f"{self.name}-{scale}-{sha256(sweeps.encode()).hexdigest()[:8]}"


def _place(where: str, cell: ArmGrid, key: str) -> str:
    """Return the key in the study's file from which a dotted setting of a run comes.  where: key of the cell in that file."""
    if key in cell.grid:
        return f"{where}.grid.{key}"
    settings: Any = cell.base
    for part in key.split("."):
        if not isinstance(settings, Mapping) or part not in settings:
            return f"arms.{cell.arm}.base.{key}"
        settings = settings[part]
    return f"{where}.base.{key}"


def _in_place_of(published: Mapping[str, Any], data: Data) -> dict[str, Any]:
    # CelebA always needs the user's folder: for CelebA --data only gives the path, and S3's preparation stays.
    if published.get("name") != "celeba" or data.name not in ("celeba", "folder"):
        return data.model_dump(mode="json")
    if given := data.model_dump(exclude={"name", "path"}, exclude_defaults=True, exclude_none=True):
        raise InputError(
            got=f"CelebA with {', '.join(given)}",
            need="the published preparation, which this scale is about",
            remedy="give the folder alone, or choose another scale for images prepared in your own way",
        )
    return {**published, "path": data.path}


def _check_names(study: Study) -> None:
    """Raise InputError for a name that is not defined, or an arm that occurs twice in a scale."""
    if study.page not in study_names():
        raise unknown(
            f"{study.name} with the page",
            study.page,
            study_names(),
            remedy="name the study whose page shows it",
        )
    cells = [(scale, cell) for scale, size in study.scales.items() for cell in size.arms]
    used = [("main_arm", study.main_arm)]
    used += [(f"scale {scale}", cell.arm) for scale, cell in cells]
    used += [(f"claim {claim.id}", claim.arm) for claim in study.claims]
    for where, arm in used:
        if arm not in study.arms:
            raise unknown(f"{where} of {study.name} with the arm", arm, study.arms, remedy=MEND)
    for claim in study.claims:
        if claim.scale not in study.scales:
            raise unknown(f"claim {claim.id} at scale", claim.scale, study.scales, remedy=MEND)
    ids = {claim.id for claim in study.claims}
    for sentence in study.says:
        if absent := set(sentence.rests_on) - ids:
            raise InputError(
                got=f"the sentence {sentence.text!r} of {study.name}, which rests on {', '.join(sorted(absent))}",
                need="ids of claims of the same study",
                remedy="mend `when` or `against` in the study's TOML file",
            )
    for scale, size in study.scales.items():
        if len({cell.arm for cell in size.arms}) < len(size.arms):
            raise InputError(
                got=f"an arm twice in scale {scale} of {study.name}",
                need="each arm once: all its runs are in one grid",
                remedy="join the grids of the arm, or make another arm",
            )
    for scale, cell in cells:
        if study.varies and (other := set(cell.grid) - set(study.varies)):
            raise InputError(
                got=f"a grid over {', '.join(sorted(other))} in arm {cell.arm} at scale {scale}",
                need=f"a grid over {' and '.join(study.varies)}: the page compares runs that differ in nothing else",
                remedy="make an arm for every value of another setting",
            )


def load_study(name: str) -> Study:
    """Read a study of the package by its name, or another study by the path of its TOML file.

    Raises InputError if there is none, or its content does not fit.
    """
    file = study_file(name)
    settings = read_toml(file)
    if "base" in settings and "arms" not in settings:
        raise InputError(
            got=f"{file}, which is a sweep",
            need="a study: a TOML file with `arms`, `scales` and `claims`",
            remedy=f"this is a sweep; use byheart sweep {file}",
        )
    return checked(Study, settings)

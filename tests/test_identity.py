"""A specification is named by what it says beyond the defaults, so the defaults are held here: change one, and this test fails.

An id stays the same when a default changes, though the run does not.  So change a default only where no stored run can
be meant by it: add a field in the place of it, or change the name of the setting.  Where it must be, write the table
anew and say so in the changelog:

    python tests/test_identity.py
"""

import json
from collections import Counter
from importlib import import_module
from pathlib import Path
from typing import Literal

import pytest
from pydantic import BaseModel

import byheart
from byheart._records import Spec, canonical_json, identity

GOLDEN = Path(__file__).parent / "golden" / "defaults.json"


def specifications() -> list[type[Spec]]:
    """List every specification of the package once, in the order of names."""
    package = Path(byheart.__file__).parent
    for file in package.rglob("*.py"):
        if "byheart._records import" in file.read_text():
            import_module(".".join(["byheart", *file.relative_to(package).with_suffix("").parts]))
    waiting: list[type[Spec]] = [Spec]
    specs: set[type[Spec]] = set()
    while waiting:
        ours = {spec for spec in waiting.pop().__subclasses__() if spec.__module__.startswith("byheart.")}
        waiting += ours - specs
        specs |= ours
    return sorted(specs, key=lambda spec: spec.__name__)


def written(value: object) -> object:
    """A default as JSON has it, with the name of its specification where it is one."""
    if isinstance(value, BaseModel):
        return {"is": type(value).__name__, **value.model_dump(mode="json")}
    return [written(entry) for entry in value] if isinstance(value, tuple) else value


def defaults() -> dict[str, dict[str, object]]:
    return {
        spec.__name__: {
            key: written(field.get_default(call_default_factory=True))
            for key, field in spec.model_fields.items()
            if not field.is_required()
        }
        for spec in specifications()
    }


def test_no_default_has_changed():
    now, held = json.loads(json.dumps(defaults())), json.loads(GOLDEN.read_text())
    assert now == held, "read the docstring of this file"


def test_no_two_specifications_share_a_name():
    names = Counter(spec.__name__ for spec in specifications())
    assert len(names) > 30
    assert [name for name, count in names.items() if count > 1] == []


class Inner(Spec):
    kind: Literal["inner"] = "inner"
    width: int = 4


class Other(Spec):
    kind: Literal["other"] = "other"
    width: int = 4


class Outer(Spec):
    name: str
    model: Inner | Other = Inner()
    levels: tuple[Inner, ...] = ()
    scale: float = 1.0


class OuterWithMore(Spec):
    name: str
    model: Inner | Other = Inner()
    levels: tuple[Inner, ...] = ()
    scale: float = 1.0
    added: int | None = None


def test_a_new_field_with_a_default_changes_no_identity():
    settings = {"name": "a", "model": Inner(width=5), "levels": (Inner(), Inner(width=2))}
    assert identity(Outer(**settings)) == identity(OuterWithMore(**settings))
    assert identity(OuterWithMore(**settings)) != identity(OuterWithMore(**settings, added=1))


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        (Outer(name="a"), '{"name":"a"}'),
        (Outer(name="a", scale=1), '{"name":"a"}'),
        (Outer(name="a", model=Other()), '{"model":{"kind":"other"},"name":"a"}'),
        (Outer(name="a", levels=(Inner(width=2),)), '{"levels":[{"kind":"inner","width":2}],"name":"a"}'),
    ],
)
def test_what_differs_is_written_and_the_kind_always(spec, text):
    assert canonical_json(spec) == text
    assert Outer.model_validate_json(canonical_json(spec)) == spec


if __name__ == "__main__":
    GOLDEN.parent.mkdir(exist_ok=True)
    GOLDEN.write_text(json.dumps(defaults(), indent=1, sort_keys=True) + "\n")

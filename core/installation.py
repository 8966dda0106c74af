"""Checks of this installation: models, folders, settings, and a trial analysis."""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch

from core.access.serving import port_fault, serving_port
from core.files import open_to_others
from core.health import Part, health
from core.imaging.synthetic import draw
from core.inference.smear import analyse
from core.inference.white_cell.uncertainty import uncertainty_of, uncertainty_path
from core.models import registry
from core.models.engine import as_batch, engine_for
from core.models.weights import WeightsRefused
from core.settings import settings


@dataclass(frozen=True)
class Check:
    """One check: whether it passed, and what was found."""

    name: str
    passed: bool
    seen: str


def checks() -> Iterator[Check]:
    """Run the checks in turn; a model that fails skips the checks that need it."""
    version = ".".join(map(str, sys.version_info[:3]))
    yield Check("Python 3.11 or newer", sys.version_info >= (3, 11), version)
    yield _var_is_writable()
    yield _var_is_private()
    yield _settings_are_known()
    yield _port_is_free()
    for one in health():
        if one.part != "models":  # each of them is looked at below
            yield Check(_HEALTH[one.part], not one.fault, one.fault or "yes")
    broken = False
    for task in (*registry.TASKS, *registry.OTHER_TASKS):
        try:
            yield Check(f"model {task}", True, registry.live(task).identity)
        except WeightsRefused as error:
            # The checks below analyse a smear, which does not use the other models.
            broken |= task in registry.TASKS
            yield Check(f"model {task}", False, str(error))
    if broken:
        return
    yield _extras_belong()
    yield _engine_agrees()
    truth = draw(11)
    counted = analyse(truth.field, registry.smear_models()).counts.rbc.value
    true = sum(cell.kind == "rbc" for cell in truth.cells)
    yield Check(
        "a drawn smear is counted",
        abs(counted - true) <= 0.2 * true,
        f"{counted:.0f} of {true} red cells",
    )


_RETIRED: Final = ("HEMADESK_PLATELET_FACTOR_PER_UL", "HEMADESK_WBC_FACTOR_PER_UL")
"""Settings of earlier versions. A factor belongs to an objective, a camera and a picture size now,
and is entered on a page."""


_HEALTH: Final[dict[Part, str]] = {
    "database": "the database can be read",
    "clock": "the clock is not behind the ledger",
    "disk": "the disk has room",
    "worker": "every training gives signs of life",
}


def _port_is_free() -> Check:
    """Another program at the port of this site is found before its people are turned away."""
    name, port = "the port is free, or Hemadesk answers at it", serving_port()
    return Check(name, not (why := port_fault("127.0.0.1", port)), why or str(port))


def _settings_are_known() -> Check:
    """A setting of an earlier version would otherwise be ignored in silence."""
    retired = sorted(name for name in _RETIRED if name in os.environ)
    if not retired:
        return Check("no setting of an earlier version is set", True, "none")
    words = (
        f"{' and '.join(retired)} no longer read: a factor per microlitre is entered on the page "
        "Settings, with the objective and the camera it was measured for"
    )
    return Check("no setting of an earlier version is set", False, words)


def _var_is_writable() -> Check:
    folder = settings().var
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = folder / ".probe"
        probe.write_text("")
        probe.unlink()
    except OSError as error:
        return Check("the folder for runs can be written", False, f"{folder}: {error.strerror}")
    return Check("the folder for runs can be written", True, str(folder))


def _var_is_private() -> Check:
    """Pictures and the database are patients' data: no other user of the machine may read them."""
    name = "no other user of this machine can read the folder for runs"
    folder = settings().var
    found = open_to_others(folder) if os.name == "posix" else []
    if found:
        return Check(name, False, f"{len(found)} can be read, such as {found[0]}; chmod -R go= it")
    return Check(name, True, str(folder))


def _extras_belong() -> Check:
    """The fitted uncertainty of the white-cell model is complete and belongs to its weights."""
    name = "limits, novelty and attributes of model wbc"
    model = registry.live("wbc")
    sidecar = uncertainty_path(model.path).with_suffix(".json")
    try:
        uncertainty = uncertainty_of(model)
    except WeightsRefused as error:
        return Check(name, False, str(error))
    if uncertainty is not None:
        return Check(name, True, f"{len(uncertainty.tensors)} tables")
    how = "python -m core fit-uncertainty fits them"
    if sidecar.exists():
        return Check(name, False, f"{sidecar.name} was fitted to other weights; {how}")
    # Cells are classified without them too, only without limits and attributes: not a failure.
    return Check(name, True, f"none beside these weights: calls go without; {how}")


def _engine_agrees() -> Check:
    model = registry.live("locator")
    images = as_batch([draw(11, width=320, height=240, rbc_diameter_px=50).field.pixels])
    fast = engine_for(model)(images)[0]
    with torch.no_grad():
        exact = model.module(torch.from_numpy(images))[0].numpy()
    gap = float(np.abs(fast - exact).max())
    return Check("ONNX Runtime agrees with torch", gap < 1e-3, f"largest difference {gap:.1e}")

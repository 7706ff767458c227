"""The nodes that the host lists."""

from __future__ import annotations

import os
from typing import Final

from .documents import LoadJson, SaveJson
from .drop_in import DwPreprocessor
from .estimator import Estimator
from .node import Node
from .people import SelectPeople
from .rendering import Render
from .smooth import Smooth

DROP_IN_VARIABLE: Final = "DW_OPENPOSE_DROP_IN"
"""Environment variable that lists ``DWPreprocessor`` too, under comfyui_controlnet_aux's name."""


def nodes() -> tuple[type[Node], ...]:
    """The nodes, in the order of a workflow."""
    own = (Estimator, LoadJson, SelectPeople, Smooth, Render, SaveJson)
    wants_drop_in = os.environ.get(DROP_IN_VARIABLE, "") not in {"", "0"}
    return (*own, DwPreprocessor) if wants_drop_in else own

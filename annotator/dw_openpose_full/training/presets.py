"""The published trainings as rows, and a toy's for a CPU; no torch.

Names are those of the configurations in the DWPose repository, ``s1_dis/`` and ``s2_dis/`` being
its folders of the two stages. A stage's row is the plain row of its student with what the stage
changes, so that each number stands once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from ..errors import OptionError
from .preset import Preset, nearest

_COCO: Final = "COCO-WholeBody"
_UBODY: Final = "UBody"
_SIZES: Final[Mapping[str, dict[str, Any]]] = {
    "t": {"widen": 0.375, "blocks": (1, 1, 1, 1)},
    "s": {"widen": 0.5, "blocks": (1, 2, 2, 1)},
    "m": {"widen": 0.75, "blocks": (2, 4, 4, 2)},
    "l": {"widen": 1.0, "blocks": (3, 6, 6, 3)},
    # the largest is clipped and sees its people from farther and nearer, to the end
    "x": {
        "widen": 1.25, "blocks": (4, 8, 8, 4), "clip": 35.0,
        "augmentation": "wide", "last_augmentation": "wide-last",
    },
}  # fmt: skip
_FINE: Final[dict[str, Any]] = {"height": 384, "width": 288, "batch": 32, "reference_batch": 32}

_T: Final = "rtmpose-t_8xb64-270e_coco-ubody-wholebody-256x192"
_S: Final = "rtmpose-s_8xb64-270e_coco-ubody-wholebody-256x192"
_M: Final = "rtmpose-m_8xb64-270e_coco-ubody-wholebody-256x192"
_L: Final = "rtmpose-l_8xb64-270e_coco-ubody-wholebody-256x192"
_X: Final = "rtmpose-x_8xb64-270e_coco-ubody-wholebody-256x192"
_L_FINE: Final = "rtmpose-l_8xb32-270e_coco-ubody-wholebody-384x288"
_X_FINE: Final = "rtmpose-x_8xb32-270e_coco-ubody-wholebody-384x288"
_M_COCO: Final = "rtmpose-m_8xb64-270e_coco-wholebody-256x192"
_L_COCO: Final = "rtmpose-l_8xb64-270e_coco-wholebody-256x192"
_L_COCO_FINE: Final = "rtmpose-l_8xb32-270e_coco-wholebody-384x288"
_L_UBODY: Final = "rtmpose-l_8xb64-270e_ubody-wholebody-256x192"
_L_UBODY_FINE: Final = "rtmpose-l_8xb32-270e_ubody-wholebody-384x288"

_PLAIN: Final = (
    Preset(_T, **_SIZES["t"]),
    Preset(_S, **_SIZES["s"]),
    Preset(_M, **_SIZES["m"]),
    Preset(_L, **_SIZES["l"]),
    Preset(_X, **_SIZES["x"]),
    Preset(_L_FINE, **_SIZES["l"], **_FINE),
    Preset(_X_FINE, **_SIZES["x"], **_FINE),
    Preset(_M_COCO, **_SIZES["m"], pictures=_COCO),
    Preset(_L_COCO, **_SIZES["l"], pictures=_COCO),
    Preset(_L_COCO_FINE, **_SIZES["l"], **_FINE, pictures=_COCO),
    Preset(_L_UBODY, **_SIZES["l"], pictures=_UBODY),
    Preset(_L_UBODY_FINE, **_SIZES["l"], **_FINE, pictures=_UBODY),
)
_FIRST_STAGE: Final = (  # name, student, teacher
    ("s1_dis/rtmpose_x_dis_l__coco-ubody-256x192", _L, _X),
    ("s1_dis/rtmpose_x_dis_l__coco-ubody-384x288", _L_FINE, _X_FINE),
    ("s1_dis/dwpose_l_dis_m__coco-ubody-256x192", _M, _L),
    ("s1_dis/dwpose_l_dis_s__coco-ubody-256x192", _S, _L),
    ("s1_dis/dwpose_l_dis_t__coco-ubody-256x192", _T, _L),
    ("s1_dis/rtmpose_l_dis_m__coco-256x192", _M_COCO, _L_COCO),
)
_SECOND_STAGE: Final = (  # name, teacher
    ("s2_dis/dwpose_l-ll__coco-ubody-256x192", "s1_dis/rtmpose_x_dis_l__coco-ubody-256x192"),
    ("s2_dis/dwpose_l-ll__coco-ubody-384x288", "s1_dis/rtmpose_x_dis_l__coco-ubody-384x288"),
    ("s2_dis/rtmpose_m-mm__coco-ubody-256x192", "s1_dis/dwpose_l_dis_m__coco-ubody-256x192"),
    ("s2_dis/rtmpose_s-ss__coco-ubody-256x192", "s1_dis/dwpose_l_dis_s__coco-ubody-256x192"),
    ("s2_dis/rtmpose_t-tt__coco-ubody-256x192", "s1_dis/dwpose_l_dis_t__coco-ubody-256x192"),
    ("s2_dis/rtmpose_x-xx__coco-ubody-256x192", _X),
    ("s2_dis/rtmpose_l-ll__coco-256x192", _L_COCO),
    ("s2_dis/rtmpose_m-mm__coco-256x192", "s1_dis/rtmpose_l_dis_m__coco-256x192"),
)


# a teacher, and a student that is smaller and learns for less long; on 2000 mannequins the labels
# alone take it half the way to where the teacher takes it
_TOY: Final[dict[str, Any]] = {
    "pictures": "mannequins", "height": 128, "width": 96, "batch": 32, "processes": 1,
    "blocks": (1, 1, 1, 1), "token": 96, "warm_up": 50, "reference_batch": 32, "clip": 1.0,
    "logit_weight": 0.2, "feature_weight": 1.1e-3, "augmentation": "none",
    "last_augmentation": "none", "val_every": 5,
}  # fmt: skip
_TOY_STUDENT: Final[dict[str, Any]] = _TOY | {"widen": 0.1875, "key": 32, "epochs": 4}
_TOYS: Final = (
    Preset("mannequins/teacher", **_TOY | {"widen": 0.25, "key": 64, "epochs": 8}),
    Preset("mannequins/alone", **_TOY_STUDENT),
    Preset("mannequins/s1", **_TOY_STUDENT, stage=1, teacher="mannequins/teacher"),
    Preset(
        "mannequins/s2", **_TOY_STUDENT | {"logit_weight": 1.0}, stage=2, teacher="mannequins/s1"
    ),
)


def _rows() -> Mapping[str, Preset]:
    """All of them by name: the plain ones, then the stages, then the toys."""
    rows = {row.name: row for row in _PLAIN}
    for name, student, teacher in _FIRST_STAGE:
        rows[name] = replace(rows[student], name=name, stage=1, teacher=teacher, clip=1.0)
    for name, teacher in _SECOND_STAGE:
        rows[name] = replace(
            rows[teacher],
            name=name,
            stage=2,
            teacher=teacher,
            logit_weight=1.0,
            clip=1.0,
            epochs=60,
            cosine_from=1.0,  # its configurations name epoch 135 and 240, which never come
            last_from=1.0,
        )
    return MappingProxyType(rows | {row.name: row for row in _TOYS})


PRESETS: Final = _rows()
"""The rows, by name."""


def find(name: str) -> Preset:
    """A preset by its name.

    Raises:
        OptionError: If there is none of that name.
    """
    if name not in PRESETS:
        raise OptionError(
            f"no preset is called {name!r}{nearest(name, PRESETS)}; "
            '"dw-openpose train --list" shows them all'
        )
    return PRESETS[name]

"""What a node is, said once: a frozen dataclass whose fields are its inputs.

>>> @dataclass(frozen=True, eq=False)
... class Doubler(Node):
...     '''Doubles a number.'''
...
...     id = "Doubler"
...     title = "Doubler"
...     outputs = (Output("INT", "doubled", "Twice the number."),)
...     number: int = field(default=1, metadata=widget("INT", "The number.", min=0))
...
...     def run(self) -> Answer:
...         return Answer((2 * self.number,))
>>> Doubler(number=4).run().outputs
(8,)

:mod:`.v3` and :mod:`.v1` make of it what the host of the day wants.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

CATEGORY: Final = "DW OpenPose"
IMAGE: Final = "IMAGE"
MASK: Final = "MASK"
POSE_KEYPOINT: Final = "POSE_KEYPOINT"
COMBO: Final = "COMBO"
INPUT: Final = "input"  # of a field's metadata
DEFAULT: Final = "default"  # of an input's options


@dataclass(frozen=True)
class Input:
    """How a field shows on the node.

    Attributes:
        kind: The host's name of the type.
        tooltip: For users.
        options: What a widget of that kind may be told, in the host's words: min, max, multiline.
        choices: Of a list; asked for anew each time the host asks.
        is_advanced: Whether the host may fold it away.
    """

    kind: str
    tooltip: str
    options: Mapping[str, Any] = field(default_factory=dict)
    choices: Callable[[], Sequence[str]] | None = None
    is_advanced: bool = False


@dataclass(frozen=True)
class Output:
    """A value that a node gives.

    Attributes:
        kind: The host's name of the type.
        name: On the node.
        tooltip: For users.
    """

    kind: str
    name: str
    tooltip: str


@dataclass(frozen=True)
class Answer:
    """What a run gave.

    Attributes:
        outputs: One value for each of the node's outputs.
        ui: What the page and ``/history`` get: lists by name.
    """

    outputs: tuple[Any, ...] = ()
    ui: Mapping[str, Sequence[Any]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Node:
    """A node; its fields are inputs, its docstring's first paragraph describes it to users.

    A node may have two static methods more, whose arguments are some of its inputs by name,
    ``None`` where their values are not known yet. ``check`` gives True, or one sentence that says
    what is wrong; the host then leaves choices and ranges of these inputs to it. ``fingerprint``
    gives something that changes when the node has to run again though no input did.

    Attributes:
        id: What workflows call it: a promise.
        title: What users see.
        outputs: What it gives.
        is_output: Whether the host runs it for its own sake.
        category: Where the menu has it.
    """

    id: ClassVar[str]
    title: ClassVar[str]
    outputs: ClassVar[tuple[Output, ...]] = ()
    is_output: ClassVar[bool] = False
    category: ClassVar[str] = CATEGORY

    def run(self) -> Answer:
        """Do the work.

        Raises:
            DwPoseError: If an input is not what it should be.
        """
        raise NotImplementedError

    @classmethod
    def inputs(cls) -> dict[str, tuple[Input, Mapping[str, Any]]]:
        """The inputs by name, each with all its options; what has no default must be linked."""
        inputs: dict[str, tuple[Input, Mapping[str, Any]]] = {}
        for of in dataclasses.fields(cls):
            known: Input = of.metadata[INPUT]
            has_default = of.default is not dataclasses.MISSING
            default = {DEFAULT: of.default} if has_default else {}
            inputs[of.name] = (known, {**default, **known.options})
        return inputs

    @classmethod
    def description(cls) -> str:
        """The first paragraph of the docstring, as one line."""
        return " ".join(inspect.cleandoc(cls.__doc__ or "").split("\n\n")[0].split())


def socket(kind: str, tooltip: str) -> dict[str, Input]:
    """Metadata of a field that another node's output must be linked to."""
    return {INPUT: Input(kind, tooltip)}


def widget(
    kind: str,
    tooltip: str,
    *,
    advanced: bool = False,
    **options: Any,  # noqa: ANN401  the host's own
) -> dict[str, Input]:
    """Metadata of a field that users set on the node; callers of the host's API may leave it out.

    Args:
        kind: The host's name of the type.
        tooltip: For users.
        advanced: Seldom wanted; the host may fold it away.
        options: What a widget of that kind may be told, in the host's words.
    """
    return {INPUT: Input(kind, tooltip, options, is_advanced=advanced)}


def choice(
    choices: Sequence[str] | Callable[[], Sequence[str]], tooltip: str, *, advanced: bool = False
) -> dict[str, Input]:
    """Metadata of a field that users choose from a list, or from one that changes."""
    ask = choices if callable(choices) else lambda: choices
    return {INPUT: Input(COMBO, tooltip, {}, ask, is_advanced=advanced)}

"""Nodes as ComfyUI takes them from 0.3.50 on: schemas, by a pinned version of its interface."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, Final

from comfy_api.v0_0_2 import ComfyExtension, io

from .menu import nodes
from .node import DEFAULT, Input, Node

_KINDS: Final = {
    "IMAGE": io.Image,
    "MASK": io.Mask,
    "INT": io.Int,
    "FLOAT": io.Float,
    "BOOLEAN": io.Boolean,
    "STRING": io.String,
    "COMBO": io.Combo,
}


def as_class(node: type[Node]) -> type[io.ComfyNode]:
    """A node in this form."""

    class Guest(io.ComfyNode):
        @classmethod
        def define_schema(cls) -> io.Schema:
            return _schema(node)

        @classmethod
        def execute(cls, **values: Any) -> io.NodeOutput:  # noqa: ANN401  what the inputs are
            answer = node(**values).run()
            return io.NodeOutput(*answer.outputs, ui=dict(answer.ui) or None)

    Guest.__name__ = Guest.__qualname__ = node.id
    for name, host_name in (("check", "validate_inputs"), ("fingerprint", "fingerprint_inputs")):
        if hasattr(node, name):
            setattr(Guest, host_name, classmethod(_of_class(getattr(node, name))))
    return Guest


def _schema(node: type[Node]) -> io.Schema:
    return io.Schema(
        node_id=node.id,
        display_name=node.title,
        category=node.category,
        description=node.description(),
        inputs=[_input(name, *known) for name, known in node.inputs().items()],
        outputs=[
            _kind(output.kind).Output(display_name=output.name, tooltip=output.tooltip)
            for output in node.outputs
        ],
        is_output_node=node.is_output,
    )


def _input(name: str, known: Input, options: Mapping[str, Any]) -> io.Input:
    choices = {} if known.choices is None else {"options": list(known.choices())}
    made: io.Input = _kind(known.kind).Input(
        name, optional=DEFAULT in options, tooltip=known.tooltip, **choices, **options
    )
    if known.is_advanced:  # which the interface's first releases take in no other way
        made.extra_dict = {**made.extra_dict, "advanced": True}
    return made


def _kind(name: str) -> Any:  # noqa: ANN401  the host's classes have no type in common
    return _KINDS.get(name) or io.Custom(name)


def _of_class(function: Callable[..., Any]) -> Callable[..., Any]:
    """A static method as one of the class; the host reads the names of its arguments."""

    def of_class(_: type, **values: Any) -> Any:  # noqa: ANN401  as the function
        return function(**values)

    first = inspect.Parameter("_", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    rest = inspect.signature(function).parameters.values()
    of_class.__signature__ = inspect.Signature([first, *rest])  # type: ignore[attr-defined]
    return of_class


class Pack(ComfyExtension):
    """All our nodes."""

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        """The nodes, for the host to list."""
        return [as_class(node) for node in nodes()]


async def comfy_entrypoint() -> ComfyExtension:
    """What the host calls."""
    return Pack()

"""Nodes as every ComfyUI takes them: classes with names in capitals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .menu import nodes
from .node import DEFAULT, Input, Node

__all__ = ["NODE_CLASS_MAPPINGS", "NODE_DISPLAY_NAME_MAPPINGS"]


def as_class(node: type[Node]) -> type:
    """A node in this form."""

    def input_types(_: type) -> dict[str, dict[str, Any]]:
        """The inputs, asked for anew each time: lists of files change."""
        kinds: dict[str, dict[str, Any]] = {"required": {}, "optional": {}}
        for name, (known, options) in node.inputs().items():
            kinds["optional" if DEFAULT in options else "required"][name] = _input(known, options)
        return kinds

    def run(_: object, **values: Any) -> dict[str, Any]:  # noqa: ANN401  what the inputs are
        answer = node(**values).run()
        result: dict[str, Any] = {"result": answer.outputs}
        return {**result, "ui": answer.ui} if answer.ui else result

    members = {
        "INPUT_TYPES": classmethod(input_types),
        "RETURN_TYPES": tuple(output.kind for output in node.outputs),
        "RETURN_NAMES": tuple(output.name for output in node.outputs),
        "OUTPUT_TOOLTIPS": tuple(output.tooltip for output in node.outputs),
        "OUTPUT_NODE": node.is_output,
        "CATEGORY": node.category,
        "DESCRIPTION": node.description(),
        "FUNCTION": "run",
        "run": run,
    }
    for name, host_name in (("check", "VALIDATE_INPUTS"), ("fingerprint", "IS_CHANGED")):
        if hasattr(node, name):
            members[host_name] = staticmethod(getattr(node, name))
    return type(node.id, (), members)


def _input(known: Input, options: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """An input: its type, or the list to choose from, and its options."""
    kind = known.kind if known.choices is None else list(known.choices())
    advanced = {"advanced": True} if known.is_advanced else {}
    return kind, {**options, **advanced, "tooltip": known.tooltip}


NODE_CLASS_MAPPINGS = {node.id: as_class(node) for node in nodes()}
NODE_DISPLAY_NAME_MAPPINGS = {node.id: node.title for node in nodes()}

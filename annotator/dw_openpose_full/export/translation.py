"""Networks in torch as ONNX graphs.

torch tells what a network does, step by step (``torch.export``), and :mod:`.words` has ONNX's words
for it. torch's own exporters write more than that asks for: the new one needs two more packages and
writes files that onnxruntime 1.17 refuses, and the old one is deprecated.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Any, Final

import torch
from torch import Tensor, fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from ..errors import ModelError
from ..networks import Network
from ..networks.layers import CBA
from .onnx_writing import GraphWriter, type_number
from .words import WORDS, Learned, Step, WriteConv, write_conv

BATCH: Final = "batch"
"""Name of the open side."""

_PASSED_OVER: Final = torch.ops.aten._assert_tensor_metadata.default


def fold_(network: Network) -> None:
    """Put each batch normalisation into the convolution before it."""
    for module in network.modules():
        if isinstance(module, CBA) and isinstance(module.bn, nn.BatchNorm2d):
            module.conv = fuse_conv_bn_eval(module.conv, module.bn)
            module.bn = nn.Identity()


def translate(network: Network, write: WriteConv = write_conv) -> GraphWriter:
    """A network as a graph with an open batch, in the precision of its weights.

    What goes in and what comes out is float32, whatever is between.

    Args:
        network: With folded batch normalisations, on the CPU.
        write: Writes convolutions.

    Raises:
        ModelError: If torch tells of a step that there is no word for.
    """
    dtype = next(network.parameters()).dtype
    example = torch.zeros((2, 3, *network.input_size), dtype=dtype)
    shapes = ({0: torch.export.Dim(BATCH)},)
    program = torch.export.export(network, (example,), dynamic_shapes=shapes)
    graph = GraphWriter()
    taken = graph.input(network.input_name, (BATCH, 3, *network.input_size))
    if dtype != torch.float32:
        taken = graph.step("Cast", taken, to=type_number(_numpy_name(dtype)))
    made = _Translation(graph, write, program, taken).run()
    for (name, sides), inner in zip(network.outputs.items(), made, strict=True):
        graph.make([name], "Cast", inner, to=type_number("float32"))
        graph.output(name, (BATCH, *sides))
    return graph


class _Translation:
    """One network on its way."""

    def __init__(
        self,
        graph: GraphWriter,
        write: WriteConv,
        program: torch.export.ExportedProgram,
        taken: str,
    ) -> None:
        self._graph, self._write, self._nodes = graph, write, program.graph.nodes
        signature = program.graph_signature
        keys = {**signature.inputs_to_parameters, **signature.inputs_to_buffers}
        self._values: dict[fx.Node, Any] = {}
        for node in self._nodes:
            if node.op == "placeholder":
                key = keys.get(node.name)
                learned = key and Learned(key, program.state_dict[key].detach())
                self._values[node] = learned or taken

    def run(self) -> list[str]:
        """Translate all steps; the names of what comes out."""
        for node in self._nodes:
            if node.op == "call_function" and node.target is not _PASSED_OVER:
                self._values[node] = self._translated(node)
        *_, last = self._nodes
        return [self._values[node] for node in last.args[0]]

    def _translated(self, node: fx.Node) -> Any:  # noqa: ANN401  a name, several, or weights
        if node.target is operator.getitem:
            made, place = node.args
            return self._values[made][place]
        given = [self._values[one] for one in node.all_input_nodes]
        if all(isinstance(one, Learned) for one in given):  # the same for all pictures
            arguments = fx.map_arg(node.args, lambda one: self._values[one].tensor)
            return Learned(node.name, node.target(*arguments, **node.kwargs))
        if node.target not in WORDS:
            raise ModelError(
                f"torch {torch.__version__} tells of a step {node.target}, which there is no word "
                "of ONNX for here; use torch 2.13, and please report it"
            )
        return WORDS[node.target](self._step(node))

    def _step(self, node: fx.Node) -> Step:
        made = node.meta.get("val")
        one = made if isinstance(made, Tensor) else None
        return Step(
            self._graph,
            self._write,
            fx.map_arg(_arguments(node), self._values.__getitem__),
            rank=node.all_input_nodes[0].meta["val"].ndim,
            shape=() if one is None else tuple(one.shape),
            dtype="float32" if one is None else _numpy_name(one.dtype),
        )


def _arguments(node: fx.Node) -> Mapping[str, Any]:
    """What a step is given, by the names that torch has for it."""
    wanted = node.target._schema.arguments
    given = {one.name: one.default_value for one in wanted if one.has_default_value()}
    given.update(zip((one.name for one in wanted), node.args, strict=False))
    return {**given, **node.kwargs}


def _numpy_name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")

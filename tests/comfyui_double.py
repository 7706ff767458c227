"""A ComfyUI of our own: as much of its modules as the pack asks for, and what it does with a pack.

Written from what the real program visibly does; nothing of it is copied.
"""

from __future__ import annotations

import asyncio
import importlib.util
import inspect
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]


class InterruptProcessingException(BaseException):
    """The host's own, which is no Exception in later versions."""


class Comfy:
    """The host: its folders, what it was told, and the nodes that a pack gave it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        for folder in ("input", "output", "models"):
            (home / folder).mkdir(parents=True, exist_ok=True)
        self.model_folders: dict[str, list[str]] = {}
        self.texts: list[tuple[str, str]] = []  # node, text
        self.bars: list[list[int]] = []  # total, done
        self.interrupt_at: int | None = None  # after so many questions
        self.questions = 0
        self.nodes: dict[str, Any] = {}
        self.titles: dict[str, str] = {}
        self.module = ModuleType("none")

    def load(self, pack: Path) -> None:
        """Load a pack as the host does: by its path, under a name made of the path."""
        name = _module_name(pack)
        spec = importlib.util.spec_from_file_location(name, pack / "__init__.py")
        assert spec is not None
        assert spec.loader is not None
        self.module = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.module)
        if getattr(self.module, "NODE_CLASS_MAPPINGS", None) is not None:
            self.nodes = dict(self.module.NODE_CLASS_MAPPINGS)
            self.titles = dict(self.module.NODE_DISPLAY_NAME_MAPPINGS)
            return
        extension = asyncio.run(self.module.comfy_entrypoint())
        for node in asyncio.run(extension.get_node_list()):
            schema = node.define_schema()
            self.nodes[schema.node_id] = node
            self.titles[schema.node_id] = schema.display_name

    def part(self, name: str) -> ModuleType:
        """A module of the pack, by its name under ``hosts.comfyui``."""
        package = f"{self.module.__name__}.annotator.dw_openpose_full.hosts.comfyui"
        return sys.modules[f"{package}.{name}"]

    def info(self, node: str) -> dict[str, Any]:
        """What ``/object_info`` says of a node."""
        known = self.nodes[node]
        if not hasattr(known, "define_schema"):
            return {
                "input": known.INPUT_TYPES(),
                "output": list(known.RETURN_TYPES),
                "output_name": list(known.RETURN_NAMES),
                "output_tooltips": list(known.OUTPUT_TOOLTIPS),
                "output_node": known.OUTPUT_NODE,
                "category": known.CATEGORY,
                "description": known.DESCRIPTION,
            }
        schema = known.define_schema()
        inputs: dict[str, dict[str, Any]] = {"required": {}, "optional": {}}
        for made in schema.inputs:
            where = inputs["optional" if made.optional else "required"]
            where[made.id] = made.described()
        return {
            "input": inputs,
            "output": [output.kind for output in schema.outputs],
            "output_name": [output.display_name for output in schema.outputs],
            "output_tooltips": [output.tooltip for output in schema.outputs],
            "output_node": schema.is_output_node,
            "category": schema.category,
            "description": schema.description,
        }

    def check(self, node: str, **values: object) -> bool | str:
        """What the node says of a prompt's values before anything runs; the host gives by name."""
        known = self.nodes[node]
        name = "validate_inputs" if hasattr(known, "define_schema") else "VALIDATE_INPUTS"
        function = getattr(known, name, None)
        if function is None:
            return True
        wanted = inspect.getfullargspec(function).args
        verdict = function(**{key: value for key, value in values.items() if key in wanted})
        assert isinstance(verdict, (bool, str))
        return verdict

    def fingerprint(self, node: str, **values: object) -> object:
        """What the node says to the question whether it has to run again."""
        known = self.nodes[node]
        name = "fingerprint_inputs" if hasattr(known, "define_schema") else "IS_CHANGED"
        function = getattr(known, name)
        wanted = inspect.getfullargspec(function).args
        return function(**{key: value for key, value in values.items() if key in wanted})

    def run(self, node: str, **values: object) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Run a node: its outputs, and what it shows."""
        known = self.nodes[node]
        if hasattr(known, "define_schema"):
            answer = known.execute(**values)
            return answer.args, dict(answer.ui or {})
        given = getattr(known(), known.FUNCTION)(**values)
        return given["result"], dict(given.get("ui", {}))


@contextmanager
def comfy(home: Path, *, has_v3: bool, pack: Path = ROOT) -> Iterator[Comfy]:
    """A host with a pack loaded; what it brought into ``sys.modules`` goes again."""
    host = Comfy(home)
    before = set(sys.modules)
    with pytest.MonkeyPatch.context() as patch:
        for name, module in _modules(host, has_v3=has_v3).items():
            patch.setitem(sys.modules, name, module)
        host.load(pack)
        yield host
    shelf = _module_name(pack.parent)
    for name in [name for name in set(sys.modules) - before if name.startswith(shelf)]:
        del sys.modules[name]


def _module_name(path: Path) -> str:
    """The name under which the host loads a pack: its path, without dots."""
    return str(path).replace(".", "_x_")


def _module(name: str, **members: object) -> ModuleType:
    module = ModuleType(name)
    vars(module).update(members, __spec__=ModuleSpec(name, loader=None))
    return module


def _modules(host: Comfy, *, has_v3: bool) -> dict[str, Any]:
    """The host's modules; None is one that can not be imported."""

    class ProgressBar:
        def __init__(self, total: int) -> None:
            self.bar = [total, 0]
            host.bars.append(self.bar)

        def update(self, value: int) -> None:
            self.bar[1] += value

    def throw_exception_if_processing_interrupted() -> None:
        host.questions += 1
        if host.interrupt_at is not None and host.questions > host.interrupt_at:
            raise InterruptProcessingException

    def get_save_image_path(
        prefix: str, folder: str, width: int = 0, height: int = 0
    ) -> tuple[str, str, int, str, str]:
        named = Path(prefix.replace("%width%", str(width)).replace("%height%", str(height)))
        full = Path(folder) / named.parent
        full.mkdir(parents=True, exist_ok=True)
        count = len(list(full.glob(f"{named.name}_*"))) + 1
        subfolder = "" if named.parent == Path() else str(named.parent)
        return str(full), named.name, count, subfolder, prefix

    class PromptServer:
        instance = SimpleNamespace(
            send_progress_text=lambda text, node_id: host.texts.append((node_id, text))
        )

    model_management = _module(
        "comfy.model_management",
        get_torch_device=lambda: SimpleNamespace(type="cpu"),
        throw_exception_if_processing_interrupted=throw_exception_if_processing_interrupted,
    )
    utils = _module("comfy.utils", ProgressBar=ProgressBar)
    context = _module(
        "comfy_execution.utils", get_executing_context=lambda: SimpleNamespace(node_id="7")
    )
    return {
        "folder_paths": _module(
            "folder_paths",
            models_dir=str(host.home / "models"),
            add_model_folder_path=lambda name, path: host.model_folders.setdefault(name, []).append(
                path
            ),
            get_folder_paths=lambda name: host.model_folders[name],
            get_input_directory=lambda: str(host.home / "input"),
            get_output_directory=lambda: str(host.home / "output"),
            get_save_image_path=get_save_image_path,
        ),
        "comfy": _module("comfy", model_management=model_management, utils=utils),
        "comfy.model_management": model_management,
        "comfy.utils": utils,
        "comfy_execution": _module("comfy_execution", utils=context),
        "comfy_execution.utils": context,
        "server": _module("server", PromptServer=PromptServer),
        "comfy_api": _module("comfy_api") if has_v3 else None,
        "comfy_api.v0_0_2": _interface() if has_v3 else None,
    }


def _interface() -> ModuleType:
    """``comfy_api.v0_0_2``."""

    class ComfyNode:
        pass

    class NodeOutput:
        def __init__(self, *args: object, ui: dict[str, Any] | None = None) -> None:
            self.args, self.ui = args, ui

    class ComfyExtension:
        pass

    def custom(io_type: str) -> type:
        class Input:
            def __init__(self, name: str, *, optional: bool, tooltip: str, **options: Any) -> None:
                self.id, self.optional, self.tooltip = name, optional, tooltip
                self.options = options
                self.extra_dict: dict[str, Any] = {}

            def described(self) -> tuple[Any, dict[str, Any]]:
                """As the other form has it."""
                options = dict(self.options)
                kind = options.pop("options", io_type)
                return kind, {**options, **self.extra_dict, "tooltip": self.tooltip}

        class Output:
            def __init__(self, *, display_name: str, tooltip: str) -> None:
                self.kind, self.display_name, self.tooltip = io_type, display_name, tooltip

        return type(io_type, (), {"Input": Input, "Output": Output})

    io = SimpleNamespace(
        ComfyNode=ComfyNode,
        NodeOutput=NodeOutput,
        Schema=SimpleNamespace,
        Custom=custom,
        **{
            name.capitalize(): custom(name)
            for name in ("IMAGE", "MASK", "INT", "FLOAT", "BOOLEAN", "STRING", "COMBO")
        },
    )
    return _module("comfy_api.v0_0_2", io=io, ComfyExtension=ComfyExtension)

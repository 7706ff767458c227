"""A host of the A1111 family at work: run as a program in its folder, in a process of its own.

    python loading.py KIND

Reads from its standard input, as JSON, what to do::

    {"loads": 1, "first": "", "questions": [{"name": ..., "picture": ..., "out": ..., ...}]}

and prints what happened after a line of its own. What extensions print comes before that line.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import random
import sys
import time
import traceback
import warnings
from configparser import ConfigParser
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import cv2
import numpy as np

REPORT = "=== report"
HEAVY = {"torch", "onnxruntime", "gradio", "onnx", "PIL", "safetensors", "huggingface_hub"}


def state_of_the_process() -> dict[str, object]:
    """What belongs to everybody in it, and what an extension has to leave as it is."""
    return {
        "sys.path": list(sys.path),
        "environment": dict(os.environ),
        "folder": str(Path.cwd()),
        "random": random.getstate(),
        "numpy.random": np.random.get_state()[1].tobytes(),  # type: ignore[union-attr]  # noqa: NPY002
        "warnings": list(warnings.filters),
        "argv": list(sys.argv),
        "OpenCV's threads": cv2.getNumThreads(),
        "hooks": (sys.excepthook, list(sys.meta_path), list(sys.path_hooks)),
    }


def extensions(root: Path) -> list[Path]:
    """Folders of extensions, in the order of their loading: sorted, but for ``After``."""
    found = [
        folder
        for shelf in ("extensions-builtin", "extensions")
        if (root / shelf).is_dir()
        for folder in sorted((root / shelf).iterdir())
    ]
    named = {folder.name.lower(): folder for folder in found}
    order: TopologicalSorter[Path] = TopologicalSorter()
    for folder in found:
        metadata = ConfigParser()
        metadata.read(folder / "metadata.ini", "utf-8")
        after = metadata.get("scripts", "After", fallback="").replace(",", " ").split()
        order.add(folder, *(named[name] for name in after if name in named))
    return list(order.static_order())


def load_scripts(root: Path, *, all_on_path: bool) -> list[dict[str, Any]]:
    """Run every script of every extension by its path, as the hosts do; what each did."""
    callbacks = importlib.import_module("modules.script_callbacks")
    callbacks.clear_callbacks()
    folders = extensions(root)
    if all_on_path:  # the Forge family
        sys.path = [str(folder) for folder in reversed(folders)] + sys.path
    usual = sys.path
    done = []
    for folder in folders:
        for script in sorted((folder / "scripts").glob("*.py")):
            sys.path = [str(folder), *sys.path]
            done.append(run_script(script))
            sys.path = usual
    callbacks.ui_settings_callback()
    return done


def run_script(script: Path) -> dict[str, Any]:
    """Run a script under a name that ``sys.modules`` does not get."""
    before, known = state_of_the_process(), set(sys.modules)
    error, started = None, time.process_time()
    spec = importlib.util.spec_from_file_location(script.name, script)
    assert spec is not None
    assert spec.loader is not None
    try:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
    except Exception:  # noqa: BLE001  a host reports it, and goes on
        error = traceback.format_exc()
    seconds = time.process_time() - started
    after = state_of_the_process()
    return {
        "script": f"{script.parents[1].name}/{script.name}",
        "error": error,
        "seconds": seconds,
        "changed": [what for what in before if before[what] != after[what]],
        "heavy": sorted({name.split(".")[0] for name in set(sys.modules) - known} & HEAVY),
    }


def listed() -> dict[str, Any]:
    """The host's preprocessors by name."""
    if "modules_forge.shared" in sys.modules:
        return dict(sys.modules["modules_forge.shared"].supported_preprocessors)
    if "scripts.supported_preprocessor" in sys.modules:
        registry = sys.modules["scripts.supported_preprocessor"].Preprocessor
        labels = {processor.label for processor in registry.all_processors_by_name.values()}
        assert labels == set(registry.all_processors), "the two lists differ"
        return dict(registry.all_processors_by_name)
    return {}


def ask(processor: Any, picture: Any, resolution: float, **options: Any) -> tuple[Any, list[Any]]:
    """Call a preprocessor as its host does; what it returns, and what it called back with."""
    heard: list[Any] = []
    options["json_pose_callback"] = heard.append
    if hasattr(processor, "cached_call"):
        return processor.cached_call(picture, resolution=resolution, **options), heard
    sliders = {"slider_1": 64, "slider_2": 64, "slider_3": 64, "input_mask": None}
    return processor(input_image=picture, resolution=resolution, **{**sliders, **options}), heard


def is_ours(processor: Any) -> bool:
    return type(processor).__module__.startswith("dw_openpose_full.")


def answers_of_neighbours() -> dict[str, Any]:
    """What preprocessors that are not ours make of a small picture."""
    picture = np.arange(64 * 64 * 3, dtype=np.uint8).reshape(64, 64, 3)
    answers: dict[str, Any] = {}
    for name, processor in listed().items():
        if not is_ours(processor):
            try:
                answers[name] = float(ask(processor, picture, 64)[0].mean())
            except Exception as error:  # noqa: BLE001  this is what we look for
                answers[name] = repr(error)
    return answers


def answer(name: str, picture: str, out: str, **options: Any) -> None:
    """Let a preprocessor answer; leaves its picture and JSON beside one another."""
    drawing, heard = ask(listed()[name], np.load(picture), **options)
    np.save(f"{out}.npy", drawing)
    Path(f"{out}.json").write_text(json.dumps(heard), "utf-8")


def main(kind: str, loads: int = 1, first: str = "", questions: Any = ()) -> dict[str, Any]:
    sys.path[0] = str(Path.cwd())
    if first:
        importlib.import_module(first)
    scripts = [
        done for _ in range(loads) for done in load_scripts(Path.cwd(), all_on_path="forge" in kind)
    ]
    for question in questions:
        answer(**question)
    package = sys.modules.get("dw_openpose_full")
    return {
        "scripts": scripts,
        "names": {name: is_ours(processor) for name, processor in listed().items()},
        "answers": answers_of_neighbours(),
        "settings": sorted(importlib.import_module("modules.shared").opts.data_labels),
        "package": getattr(package, "__file__", None),
    }


if __name__ == "__main__":
    report = main(sys.argv[1], **json.load(sys.stdin))
    sys.stdout.write(f"{REPORT}\n{json.dumps(report)}\n")

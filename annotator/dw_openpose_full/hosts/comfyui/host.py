"""What we ask of the host, and tell it; the host's modules are imported here and in :mod:`.v3`."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Final

import folder_paths

from ...zoo.folders import add_host_folder

FOLDER: Final = "dwpose"  # of models; extra_model_paths.yaml may name more of them
JSON_SUFFIX: Final = ".json"

_log = logging.getLogger(__name__)


def add_folders() -> None:
    """Give the host a folder of weights, ``models/dwpose``."""
    folder_paths.add_model_folder_path(FOLDER, str(Path(folder_paths.models_dir) / FOLDER))


def look_in_folders() -> None:
    """Look for weights where the host's user keeps them."""
    for folder in folder_paths.get_folder_paths(FOLDER):
        add_host_folder(folder)


def device() -> str:
    """The host's device, as ``DwOpenpose.load`` wants it."""
    from comfy import model_management

    return "cpu" if model_management.get_torch_device().type == "cpu" else "auto"


def stop_if_asked() -> None:
    """End the run if the user has asked for that.

    Raises:
        InterruptProcessingException: The host's own.
    """
    from comfy import model_management

    model_management.throw_exception_if_processing_interrupted()


class Progress:
    """The bar on the node that runs; between two steps is the time to stop."""

    def __init__(self, steps: int) -> None:
        """Start at none of so many."""
        from comfy.utils import ProgressBar

        self._bar = ProgressBar(steps)

    def step(self) -> None:
        """One step is done.

        Raises:
            InterruptProcessingException: If the user has asked for the run's end.
        """
        self._bar.update(1)
        stop_if_asked()


def tell(text: str) -> None:
    """Words for the user: a line of the host's log, and text on the node that runs."""
    _log.info("dw_openpose_full: %s", text)
    _show(text)


def tell_or_stop(text: str) -> None:
    """The same, and the end of the run if the user has asked for that.

    Raises:
        InterruptProcessingException: The host's own.
    """
    stop_if_asked()
    tell(text)


def alert(text: str) -> None:
    """The same, of what is not as the user would want it."""
    _log.warning("dw_openpose_full: %s", text)
    _show(text)


def _show(text: str) -> None:
    try:
        from comfy_execution.utils import get_executing_context
        from server import PromptServer

        context = get_executing_context()
        if context is not None:
            PromptServer.instance.send_progress_text(text, context.node_id)
    except (ImportError, AttributeError):  # an older host has no such words
        return


def json_files() -> list[str]:
    """JSON files of the host's input folder, by name, those of folders in it too."""
    top = Path(folder_paths.get_input_directory())
    found = []
    for folder, _, names in os.walk(top):
        here = Path(folder)
        found += [here / name for name in names if name.lower().endswith(JSON_SUFFIX)]
    return sorted(path.relative_to(top).as_posix() for path in found)


def input_file(name: str) -> Path:
    """The path of one of :func:`json_files`."""
    return Path(folder_paths.get_input_directory()) / name


def output_file(prefix: str, width: int, height: int) -> tuple[Path, str]:
    """A new file ``prefix_00001.json`` of the host's output folder, and its folder's name there.

    Args:
        prefix: May name folders, and hold the host's ``%year%`` and the like.
        width: What ``%width%`` stands for.
        height: What ``%height%`` stands for.
    """
    folder, stem, counter, subfolder, _ = folder_paths.get_save_image_path(
        prefix, folder_paths.get_output_directory(), width, height
    )
    return Path(folder) / f"{stem}_{counter:05}{JSON_SUFFIX}", subfolder

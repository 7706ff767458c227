"""Putting our preprocessors on a host's list."""

from __future__ import annotations

from types import ModuleType
from typing import Final

from modules import script_callbacks, shared

from ...zoo.folders import add_host_folder
from ..choices import CHOICES, FULL
from . import calls, settings

BESIDE: Final = "dw_openpose_full_extension"  # our name where the built-in keeps its own


def register() -> None:
    """List our preprocessors; again after "Reload UI", with the same end.

    A host without ControlNet, or with one that is loaded after us, gets a word instead.
    """
    try:
        host = _seam()
    except ImportError as error:
        calls.tell(f"not listed, for sd-webui-controlnet can not be imported ({error})")
        return
    keeps = settings.is_set(settings.KEEP_BUILTIN)
    replaced = FULL.name in host.names() and not keeps
    for choice in CHOICES:
        beside = choice is FULL and keeps
        host.put(choice, BESIDE if beside else choice.name)
    for folder in _folders():
        add_host_folder(folder)
    script_callbacks.on_ui_settings(settings.add_page)
    how = "in place of the built-in" if replaced else "beside the built-in" if keeps else "new here"
    calls.tell(f"{len(CHOICES)} preprocessors listed, dw_openpose_full {how}")


def _seam() -> ModuleType:
    """The seam of this host: Forge's has the word if both are there.

    Raises:
        ImportError: If neither is.
    """
    try:
        from . import forge
    except ImportError:
        from . import controlnet

        return controlnet
    return forge


def _folders() -> list[str]:
    """Folders of weights that the host's user has named."""
    options = shared.cmd_opts
    named = [
        getattr(options, "controlnet_annotator_models_path", None),
        getattr(options, "controlnet_preprocessor_models_dir", None),
        shared.opts.data.get("control_net_modules_path"),
    ]
    return [folder for folder in named if folder]

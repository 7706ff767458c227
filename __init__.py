"""The door of ComfyUI, which runs this file as a package; inert for who imports it otherwise."""

from importlib.util import find_spec

if __package__ and find_spec("folder_paths"):  # ComfyUI's; pytest imports this file too
    from .annotator.dw_openpose_full.hosts.comfyui import (
        NODE_CLASS_MAPPINGS,
        NODE_DISPLAY_NAME_MAPPINGS,
        comfy_entrypoint,
    )

    __all__ = ["NODE_CLASS_MAPPINGS", "NODE_DISPLAY_NAME_MAPPINGS", "comfy_entrypoint"]

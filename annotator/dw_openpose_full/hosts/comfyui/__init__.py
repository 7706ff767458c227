"""ComfyUI: a pack of nodes, in the form that the host at hand knows.

Hosts look at ``NODE_CLASS_MAPPINGS`` first, and at ``comfy_entrypoint`` only where that is None.
"""

from __future__ import annotations

from typing import Any

from . import host

__all__ = ["NODE_CLASS_MAPPINGS", "NODE_DISPLAY_NAME_MAPPINGS", "comfy_entrypoint"]

NODE_CLASS_MAPPINGS: dict[str, type] | None = None
NODE_DISPLAY_NAME_MAPPINGS: dict[str, str] | None = None
comfy_entrypoint: Any = None

try:
    from .v3 import comfy_entrypoint
except ImportError:  # a host from before that interface
    from .v1 import NODE_CLASS_MAPPINGS, NODE_DISPLAY_NAME_MAPPINGS

host.add_folders()

"""OpenPose JSON, out and in; the only place where normalised coordinates exist.

The writer has one form, which every known reader takes. The reader takes what every known writer
makes: sd-webui-controlnet, comfyui_controlnet_aux, ComfyUI's own nodes, OpenPose 1.3, the editors.
"""

from __future__ import annotations

from .reader import PoseDocument, count_frames, from_openpose_json
from .writer import to_openpose_json

__all__ = ["PoseDocument", "count_frames", "from_openpose_json", "to_openpose_json"]

"""Hosts of the A1111 family, as folders: what they have at the seam, and nothing else.

Written from what the real ones were seen to do; none of their code is here. ``loading.py`` runs
them.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PARTS: Final = Path(__file__).resolve().parent
ROOT: Final = PARTS.parents[1]

A1111: Final = "a1111"
FORGE: Final = "forge"
REFORGE: Final = "reforge"
BARE: Final = "a1111 without ControlNet"
KINDS: Final = (A1111, FORGE, REFORGE)

MODELS: Final = {
    A1111: "extensions/sd-webui-controlnet/annotator/downloads/openpose",
    FORGE: "models/ControlNetPreprocessor",
    REFORGE: "models/ControlNetPreprocessor",
}
"""Where a host keeps the weights of its own preprocessors, below its root."""

NEIGHBOUR: Final = """
from {seam} import Preprocessor
from scripts.{words} import GREETING  # another file of its own folder

class Neighbour(Preprocessor):
    def __call__(self, input_image, resolution, *args, **kwargs):
        from scripts import {words}
        return input_image // 2 + len({words}.GREETING)
"""
LISTS: Final = {
    A1111: "Preprocessor.add_supported_preprocessor(Neighbour({name!r}))\n",
    FORGE: (
        "from modules_forge.shared import add_supported_preprocessor\n"
        "neighbour = Neighbour()\n"
        "neighbour.name = {name!r}\n"
        "add_supported_preprocessor(neighbour)\n"
    ),
}
SEAMS: Final = {
    A1111: "internal_controlnet.external_code",
    FORGE: "modules_forge.supported_preprocessor",
}
AFTER_CONTROLNET: Final = "[scripts]\nAfter = sd-webui-controlnet\n"


@dataclass(frozen=True)
class Host:
    """A host's folder."""

    kind: str
    root: Path

    @classmethod
    def build(cls, kind: str, root: Path) -> Host:
        """Lay a host out, without us."""
        _copy(PARTS / "modules", root / "modules")
        (root / "extensions").mkdir()
        if kind == A1111:
            _copy(PARTS / "sd-webui-controlnet", root / "extensions" / "sd-webui-controlnet")
        elif kind != BARE:
            _copy(PARTS / "modules_forge", root / "modules_forge")
            _copy(PARTS / "forge_builtin", root / "extensions-builtin")
        if kind == REFORGE:  # where Forge has a namespace, reForge has a package
            legacy = root / "extensions-builtin" / "forge_legacy_preprocessors"
            (legacy / "annotator" / "__init__.py").write_text("")
        return cls(kind, root)

    def add_neighbour(self, folder: str, name: str) -> None:
        """Add an extension that lists a preprocessor, and imports from ``scripts``."""
        family = A1111 if self.kind == A1111 else FORGE
        words = folder.replace("-", "_") + "_words"
        program = NEIGHBOUR.format(seam=SEAMS[family], words=words) + LISTS[family].format(
            name=name
        )
        scripts = self.root / "extensions" / folder / "scripts"
        scripts.mkdir(parents=True)
        (scripts / f"{words}.py").write_text("GREETING = 'hello'\n")
        (scripts / f"{folder.replace('-', '_')}.py").write_text(program)
        (scripts.parent / "metadata.ini").write_text(AFTER_CONTROLNET)

    def add_us(
        self, ours: Path, folder: str = "dw-openpose-full", *, metadata: bool = True
    ) -> Path:
        """Put our extension into a folder of any name."""
        home = self.root / "extensions" / folder
        _copy(ours, home)
        if not metadata:
            (home / "metadata.ini").unlink()
        return home

    @property
    def models(self) -> Path:
        """The folder of the weights of its own preprocessors."""
        folder = self.root / MODELS[self.kind]
        folder.mkdir(parents=True, exist_ok=True)
        return folder


def copy_of_our_extension(to: Path) -> Path:
    """What a user who cloned us has in the folder, but for weights and what no host looks at."""
    for folder in ("annotator", "scripts"):
        _copy(ROOT / folder, to / folder)
    for file in (ROOT / "metadata.ini", *ROOT.glob("*.py")):
        shutil.copy2(file, to)
    return to


def _copy(source: Path, to: Path) -> None:
    shutil.copytree(source, to, dirs_exist_ok=True)

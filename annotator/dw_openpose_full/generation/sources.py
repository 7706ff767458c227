"""Where models come from: a folder, a ``.safetensors`` file, or the Hugging Face hub."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..errors import ModelError, name_for_message
from ..zoo.cards import PICKLES
from .families import DEFAULT_FAMILY, Family, family_named

NO_CONTROLNET: Final = "none"
WEIGHTS: Final = ".safetensors"

_HUB_NAME: Final = re.compile(rf"(?P<repo>[\w.-]+/[\w.-]+)(?:/(?P<file>[\w./-]+\{WEIGHTS}))?")


@dataclass(frozen=True)
class Models:
    """A family, and what of it is loaded.

    Attributes:
        family: Decides how all else is used.
        base: A folder as diffusers saves, a ``.safetensors`` file of a whole model, a repository
            of the hub (``owner/name``) or such a file in one (``owner/name/path.safetensors``).
        controlnet: The same of a ControlNet, or ``"none"`` to make pictures without a pose.
    """

    family: Family
    base: str
    controlnet: str

    @classmethod
    def of(
        cls,
        family: str = DEFAULT_FAMILY,
        base: str | Path | None = None,
        controlnet: str | Path | None = None,
    ) -> Models:
        """Choose by names; the family's own where ``None``.

        Raises:
            OptionError: If there is no such family.
        """
        row = family_named(family)
        return cls(row, str(base or row.base), str(controlnet or row.controlnet))

    @property
    def follows_poses(self) -> bool:
        """Whether there is a ControlNet."""
        return self.controlnet != NO_CONTROLNET


@dataclass(frozen=True)
class Source:
    """One place to load from; of its attributes one or two are set.

    Attributes:
        folder: On this machine.
        file: On this machine.
        repo: On the hub.
        member: A file in the repository.
    """

    folder: Path | None = None
    file: Path | None = None
    repo: str = ""
    member: str = ""

    @property
    def name(self) -> str:
        """For messages."""
        return name_for_message(self.folder or self.file or "/".join(filter(None, self._hub)))

    @property
    def _hub(self) -> tuple[str, str]:
        return self.repo, self.member

    @classmethod
    def of(cls, name: str) -> Source:
        """Tell what a name is: what lies on this machine goes before the hub.

        Raises:
            ModelError: If it is nothing that can be loaded.
        """
        path = Path(name).expanduser()
        if path.is_dir():
            return cls(folder=path)
        if path.suffix.lower() in PICKLES:
            raise ModelError(
                f"{name_for_message(name)}: {path.suffix} files may run code as they are opened; "
                f"take the {WEIGHTS} file of the same model"
            )
        if path.is_file():
            if path.suffix.lower() != WEIGHTS:
                raise ModelError(
                    f"{name_for_message(name)}: expected a folder as diffusers saves, or a "
                    f"{WEIGHTS} file, got a file of another kind"
                )
            return cls(file=path)
        found = _HUB_NAME.fullmatch(name)
        if not found:
            raise ModelError(
                f"{name_for_message(name)}: no such folder or file, and no name on the hub either, "
                "which is owner/name"
            )
        return cls(repo=found["repo"], member=found["file"] or "")

"""ControlNet's list of preprocessors: names and labels are taken once."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
from modules import devices
from numpy.typing import NDArray


class HashableNpArray(np.ndarray):
    """What preprocessors are called with: an array that is equal or not, as a whole."""

    def __eq__(self, other: object) -> bool:  # type: ignore[override]
        return np.array_equal(self, other)  # type: ignore[arg-type]

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(self.tobytes())


@dataclass
class PreprocessorParameter:
    label: str = "EMPTY_LABEL"
    minimum: float = 0.0
    maximum: float = 1.0
    step: float = 0.01
    value: float = 0.5
    visible: bool = True


@dataclass
class Preprocessor(ABC):
    name: str
    _label: str | None = None
    tags: list[str] = field(default_factory=list)
    slider_resolution = PreprocessorParameter("Resolution", 64, 2048, 8, 512)
    slider_1 = PreprocessorParameter(visible=False)
    slider_2 = PreprocessorParameter(visible=False)
    device = devices.get_device_for("controlnet")

    all_processors: ClassVar[dict[str, Any]] = {}
    all_processors_by_name: ClassVar[dict[str, Any]] = {}

    @property
    def label(self) -> str:
        return self._label if self._label is not None else self.name

    @classmethod
    def add_supported_preprocessor(cls, p: Any) -> None:
        assert p.label not in cls.all_processors, f"{p.label} already registered!"
        assert p.name not in cls.all_processors_by_name, f"{p.name} already registered!"
        cls.all_processors[p.label] = p
        cls.all_processors_by_name[p.name] = p

    @classmethod
    def unload_unused(cls, active: set[Any]) -> None:
        for processor in cls.all_processors.values():
            if processor not in active:
                processor.unload()

    def cached_call(self, input_image: NDArray[np.uint8], **options: Any) -> NDArray[np.uint8]:
        return _cached_call(self, input_image.view(HashableNpArray), **options)

    @abstractmethod
    def __call__(  # noqa: PLR0917  the hosts' own signature
        self,
        input_image: NDArray[np.uint8],
        resolution: int,
        slider_1: float | None = None,
        slider_2: float | None = None,
        slider_3: float | None = None,
        input_mask: NDArray[np.uint8] | None = None,
        **kwargs: Any,
    ) -> NDArray[np.uint8]: ...

    def unload(self) -> bool:
        return False

    def __hash__(self) -> int:
        return hash(self.name)

    def __eq__(self, other: object) -> bool:
        return hash(self) == hash(other)


@lru_cache(maxsize=16)
def _cached_call(processor: Preprocessor, picture: HashableNpArray, **options: Any) -> Any:
    return processor(picture, **options)

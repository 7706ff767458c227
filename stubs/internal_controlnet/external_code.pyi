from typing import ClassVar

class PreprocessorParameter:
    def __init__(self, **slider: object) -> None: ...

class Preprocessor:
    all_processors: ClassVar[dict[str, Preprocessor]]
    all_processors_by_name: ClassVar[dict[str, Preprocessor]]
    tags: list[str]
    slider_1: PreprocessorParameter
    slider_2: PreprocessorParameter
    def __init__(self, name: str) -> None: ...
    @property
    def label(self) -> str: ...
    @classmethod
    def add_supported_preprocessor(cls, p: Preprocessor) -> None: ...

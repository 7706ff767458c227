from .supported_preprocessor import Preprocessor

supported_preprocessors: dict[str, Preprocessor]

def add_supported_preprocessor(preprocessor: Preprocessor) -> None: ...

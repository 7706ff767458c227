"""What other extensions may import."""

from scripts.supported_preprocessor import Preprocessor, PreprocessorParameter

__all__ = ["Preprocessor", "PreprocessorParameter"]

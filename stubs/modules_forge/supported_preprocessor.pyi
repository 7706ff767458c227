class PreprocessorParameter:
    def __init__(self, **slider: object) -> None: ...  # forge-classic takes nothing by position

class Preprocessor:
    name: str
    tags: list[str]
    model_filename_filters: list[str]
    slider_1: PreprocessorParameter
    slider_2: PreprocessorParameter
    def __init__(self) -> None: ...

"""ControlNet's main script."""

import annotator.util  # noqa: F401  ControlNet's own
import internal_controlnet.external_code
import scripts.preprocessor  # noqa: F401  lists what is built in

assert internal_controlnet.external_code.Preprocessor.all_processors

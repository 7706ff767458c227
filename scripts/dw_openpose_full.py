"""The door of AUTOMATIC1111 and the Forge family, which run this file by its path."""

import importlib.util
import sys
from pathlib import Path

NAME = "dw_openpose_full"


def load_package() -> None:
    """Put the package that lies beside this file into ``sys.modules``, once.

    ``annotator`` can not be imported by its name: ControlNet and Forge have one of their own.
    """
    if NAME in sys.modules:
        return
    home = Path(__file__).absolute().parents[1] / "annotator" / NAME
    spec = importlib.util.spec_from_file_location(NAME, home / "__init__.py")
    if spec is None or spec.loader is None:
        raise ImportError(f"{NAME} is not at {home}; install the extension again")
    module = sys.modules[NAME] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[NAME]
        raise


load_package()

from dw_openpose_full.hosts.webui.registration import register  # noqa: E402

register()

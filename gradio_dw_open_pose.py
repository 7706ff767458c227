"""The demo from a checkout: ``python gradio_dw_open_pose.py``, options as ``dw-openpose demo``."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "annotator"))

if __name__ == "__main__":
    from dw_openpose_full.__main__ import main

    sys.argv.insert(1, "demo")
    raise SystemExit(main())

"""``python -m dw_openpose_full.training PRESET ...``: the door for torchrun."""

from __future__ import annotations

import sys

from ..__main__ import main

if __name__ == "__main__":
    sys.argv.insert(1, "train")
    main()

"""``python -m dw_openpose_full`` and the ``dw-openpose`` command."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType


def main() -> None:
    """Run the command; without its libraries, say which extra brings them."""
    _fill_closed_streams()
    try:
        from .cli import run
    except ModuleNotFoundError as error:
        sys.exit(
            f"dw-openpose: {error.name} is not installed; the command needs: "
            'pip install "dw-openpose-full[all]"'
        )
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
    signal.signal(signal.SIGTERM, _end_in_order)
    sys.exit(run())


def _fill_closed_streams() -> None:
    """Open what a caller has closed (``2>&-``): else the next file to be opened is stderr."""
    for stream in range(3):
        try:
            os.fstat(stream)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free


def _end_in_order(number: int, _frame: FrameType | None) -> None:
    """End as from an error, with temporary files removed."""
    sys.exit(128 + number)


if __name__ == "__main__":
    main()

"""``python -m dw_openpose_full`` and the ``dw-openpose`` command."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command; without its libraries, say which extra brings them."""
    try:
        from .cli import run
    except ModuleNotFoundError as error:
        sys.exit(
            f"dw-openpose: {error.name} is not installed; the command needs: "
            'pip install "dw-openpose-full[all]"'
        )
    sys.exit(run())


if __name__ == "__main__":
    main()

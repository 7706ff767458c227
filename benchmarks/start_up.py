"""What it costs to start: the import, beside numpy and cv2 alone and beside torch."""

from __future__ import annotations

import importlib.util
import statistics
import subprocess
import sys
import time

ROUNDS = 7


def seconds(program: str) -> float:
    """Median wall time of a Python process that runs ``program``, less that of an empty one."""

    def once(text: str) -> float:
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", text], check=True)
        return time.perf_counter() - start

    pairs = [(once(program), once("pass")) for _ in range(ROUNDS)]
    return statistics.median(full - empty for full, empty in pairs)


def main() -> None:
    """Print the times and their ratios."""
    ours = seconds("import dw_openpose_full")
    bare = seconds("import numpy, cv2")
    print(f"import dw_openpose_full   {ours * 1e3:7.0f} ms")
    print(f"import numpy, cv2         {bare * 1e3:7.0f} ms   ratio {ours / bare:.2f}")
    if importlib.util.find_spec("torch") is None:
        print("torch is not installed: no ratio to it")
        return
    torch = seconds("import torch")
    print(f"import torch              {torch * 1e3:7.0f} ms   ratio {ours / torch:.2f}")


if __name__ == "__main__":
    main()

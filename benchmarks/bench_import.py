"""How long `import eii` takes in a fresh interpreter, and what it pulls in."""

from __future__ import annotations

import statistics
import subprocess
import sys

RUNS = 7
CODE = """
import sys, time
start = time.perf_counter()
import eii
print(time.perf_counter() - start)
print(sorted({"torch", "napari", "qtpy", "scipy", "zarr"} & set(sys.modules)))
"""


def main() -> None:
    """Print the median of several runs."""
    outputs = [
        subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
        for _ in range(RUNS)
    ]
    seconds = statistics.median(float(o.stdout.splitlines()[0]) for o in outputs)
    print(f"import eii: median {seconds:.3f} s of {RUNS} runs; heavy modules loaded: ", end="")
    print(outputs[-1].stdout.splitlines()[1])


if __name__ == "__main__":
    main()

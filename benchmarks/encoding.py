"""Encoding speed: megabytes of input a second on one core, beside the plain NumPy way, in turns.

    python benchmarks/encoding.py

Input is random images of 28 x 28, 8 bits a pixel. Time is processor time of one core, so that other work on the machine
hardly counts. "Peak" is the most memory of Python and NumPy beyond input and packed output that was in use at once.
"""

from __future__ import annotations

import argparse
import json
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitlocal import ImageEncoder, ThermometerEncoder
from bitlocal.lab.bench import Spread, in_turns


def numpy_way(X: NDArray[Any], thresholds: NDArray[Any]) -> NDArray[np.uint8]:
    bits = X[:, :, np.newaxis] > thresholds
    return np.packbits(bits.reshape(len(X), -1), axis=1, bitorder="little")


def peak_bytes(work: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def measure(n_samples: int, n_bits: int, repeats: int) -> list[dict[str, Any]]:
    rng = np.random.default_rng(0)
    rows = []
    for dtype in (np.uint8, np.int32, np.float32, np.float64):
        X = (rng.random((n_samples, 784)) * 255).astype(dtype)
        encoder = ThermometerEncoder(n_bits).fit(X)
        thresholds = encoder.thresholds_.astype(dtype).reshape(784, -1)
        ways: dict[str, Callable[[], object]] = {
            f"thermometer{n_bits}": lambda e=encoder, X=X: e.pack(X),
            f"thermometer{n_bits} in NumPy": lambda X=X, t=thresholds: numpy_way(X, t),
        }
        if dtype is np.uint8:
            for parts in ("gradient8", "hog8"):
                image_encoder = ImageEncoder(parts).fit(X)
                ways[f"image:{parts}"] = lambda e=image_encoder, X=X: e.pack(X)
        seconds = in_turns(ways, repeats, clock=time.thread_time)
        output = len(X) * -(-784 * n_bits // 64) * 8
        for name, work in ways.items():
            beyond = max(peak_bytes(work) - output, 0) if name.startswith("thermometer") else None
            speed = Spread.of(X.nbytes / seconds[name] / 1e6)
            rows.append({"input": dtype.__name__, "encoder": name, "mb_per_second": speed,
                         "peak_bytes_beyond_output": beyond, "output_bytes": output})  # fmt: skip
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=20_000)
    parser.add_argument("--bits", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args()
    rows = measure(options.samples, options.bits, options.repeats)
    if options.json:
        print(json.dumps(rows, indent=2, default=asdict))
        return
    print("| input | encoder | MB/s (quartiles) | peak beyond output |\n|---|---|---|---|")
    for row in rows:
        speed = row["mb_per_second"]
        beyond = row["peak_bytes_beyond_output"]
        peak = "" if beyond is None else f"{beyond / 1e6:.1f} MB ({beyond / row['output_bytes']:.0%})"
        print(f"| {row['input']} | {row['encoder']} | {speed.median:.0f} ({speed.q1:.0f}–{speed.q3:.0f}) | {peak} |")


if __name__ == "__main__":
    main()

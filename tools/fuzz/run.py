"""Fuzz the reader of state blobs in exported C: python tools/fuzz/run.py [SECONDS]. Needs clang with libFuzzer."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from bitlocal import BMLPClassifier, export

HERE = Path(__file__).parent


def small_model() -> BMLPClassifier:
    """Two layers, odd widths, and bounds within the range of the planes."""
    rng = np.random.default_rng(0)
    X, y = rng.random((60, 37)) < 0.5, rng.integers(0, 3, 60)
    return BMLPClassifier(
        (10, 5), encoder=None, hidden_clip=21, batch_size=4, readout="votes", random_state=1, max_iter=1
    ).fit(X, y)


def build(folder: Path) -> Path:
    """Export a small model and compile the fuzz target against it."""
    export.c(small_model(), folder, learn=True)
    (folder / "corpus").mkdir()
    blob = export.write_state(small_model())
    (folder / "corpus" / "whole").write_bytes(blob)
    (folder / "corpus" / "body").write_bytes(blob[24:-4])
    command = ["clang", "-g", "-O1", "-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=all"]
    files = ["-I", str(folder), str(folder / "bmlp.c"), str(HERE / "state.c"), "-o", str(folder / "fuzz")]
    subprocess.run([*command, *files], check=True)
    return folder / "fuzz"


def main() -> None:
    """Build, and run for so many seconds."""
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        target = build(folder)
        options = [f"-max_total_time={seconds}", "-max_len=1024", f"-artifact_prefix={Path.cwd()}/"]
        subprocess.run([str(target), *options, str(folder / "corpus")], check=True)


if __name__ == "__main__":
    main()

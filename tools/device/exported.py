"""An exported network, in a folder, as a program of the laboratory: samples in, answers out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from device.lab import Program, Target, build, request

_DTYPES = {"float": "float32"} | {
    f"{sign}int{bits}_t": f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32)
}


@dataclass(frozen=True)
class Requests:
    """What driver.c is asked to do, put together step by step.

    `dtype` is the type of a feature in the generated header.
    """

    dtype: np.dtype
    parts: tuple[bytes, ...] = ()

    def __bytes__(self) -> bytes:
        return b"".join(self.parts)

    def samples(self, kind: str, X: ArrayLike) -> Requests:
        """Ask something of each of some samples: "p", "c" or "i"."""
        features = self._features(X)
        return self._and(request(kind, features.tobytes(), len(features)))

    def labelled(self, kind: str, X: ArrayLike, y: ArrayLike) -> Requests:
        """Ask something of each of some samples with labels, 0 to 255: "a", "e", "l" or "j"."""
        features = self._features(X)
        row_bytes = features.view(np.uint8).reshape(len(features), -1)
        labels = np.asarray(y, dtype=np.uint8).reshape(-1, 1)
        return self._and(request(kind, np.hstack([labels, row_bytes]).tobytes(), len(features)))

    def plain(self, kind: str) -> Requests:
        """Ask for something without samples: "f", "0", "s" or "z"."""
        return self._and(request(kind))

    def load(self, blob: bytes) -> Requests:
        """Ask to load a state."""
        return self._and(request("r", blob, len(blob)))

    def _features(self, X: ArrayLike) -> NDArray[np.generic]:
        features = np.ascontiguousarray(np.asarray(X).astype(self.dtype))
        assert np.array_equal(features, X), f"the samples do not fit into {self.dtype}"
        return features.reshape(len(features), -1)

    def _and(self, part: bytes) -> Requests:
        return Requests(self.dtype, (*self.parts, part))


def requests_for(folder: Path) -> Requests:
    """Begin requests for the network that was exported into a folder, with the prefix bmlp."""
    match = re.search(r"typedef (\w+) bmlp_feature_t;", (folder / "bmlp.h").read_text())
    assert match is not None, f"no bmlp_feature_t in {folder / 'bmlp.h'}"
    return Requests(np.dtype(_DTYPES[match[1]]))


@dataclass(frozen=True)
class Model:
    """Sources with the interface of an exported network, and where to build programs of them."""

    sources: tuple[Path, ...]
    include: tuple[Path, ...]
    out: Path
    libraries: tuple[str, ...] = ()

    def build(
        self, target: Target, program: str, name: str, optimise: str, defines: Sequence[str], **more: Any
    ) -> Program:
        """Build a program of the laboratory around it."""
        return build(
            target,
            [program, *self.sources],
            self.out / f"{target.name}{optimise}",
            optimise=optimise,
            defines=defines,
            include=self.include,
            libraries=self.libraries,
            name=name,
            **more,
        )


def exported(folder: Path) -> Model:
    """Give the model that was exported into a folder, with the prefix bmlp."""
    return Model((folder / "bmlp.c",), (folder,), folder)


def driver(
    target: Target, model: Model, *, learn: bool = False, optimise: str = "-O2", requests: bytes = b""
) -> Program:
    """Build driver.c around a model."""
    return model.build(target, "driver.c", "driver", optimise, ["LEARN"] if learn else [], requests=requests)


def smallest(target: Target, model: Model, *, learn: bool = False, optimise: str = "-Os") -> Program:
    """Build the smallest program around a model: what it takes on a device."""
    name = "learns" if learn else "predicts"
    return model.build(target, "minimal.c", name, optimise, ["LEARN"] if learn else [], minimal=True)


def stack_depth(
    target: Target, model: Model, *, learn: bool = False, optimise: str = "-Os", batch_size: int = 1
) -> int:
    """Run the smallest program, and give how many bytes of stack it wrote."""
    defines = [f"MEASURE={batch_size}", *(["LEARN"] if learn else [])]
    return int(model.build(target, "minimal.c", "stack", optimise, defines).run())


def answers(text: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Read what "p" and "c" print: classes, and logits of shape (n_samples, n_classes)."""
    table = np.array([line.split() for line in text.splitlines()], dtype=np.int64)
    return table[:, 0], table[:, 1:]

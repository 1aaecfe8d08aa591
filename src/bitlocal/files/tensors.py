"""Named arrays and a text in one file, with a digest of all: safetensors, no pickle."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from bitlocal.errors import ModelFileError
from bitlocal.files.schema import reason

Arrays = dict[str, NDArray[Any]]


def to_bytes(text: str, arrays: Arrays) -> bytes:
    """Give the content of a file that holds this text and these arrays."""
    content: bytes = save(arrays, metadata={"bitlocal": text, "sha256": digest(text, arrays)})
    return content


def read(path: Path) -> tuple[str, Arrays]:
    """Metadata and tensors of a file whose digest is right."""
    with path.open("rb") as file:  # for the operating system's own error, which says more than the parser's
        file.read(1)
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            arrays = {name: np.ascontiguousarray(file.get_tensor(name)) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, ValueError, TypeError, AttributeError) as error:  # the last three: types NumPy lacks
        raise ModelFileError(
            f"{path}: not a bitlocal model, or cut short: expected a complete safetensors file ({reason(error)})"
        ) from error
    if "bitlocal" not in metadata:
        raise ModelFileError(f"{path}: not a bitlocal model, though a safetensors file; give a model file")
    text = metadata["bitlocal"]
    if metadata.get("sha256") != digest(text, arrays):
        raise ModelFileError(f"{path}: damaged model file: its content does not fit its digest; save the model again")
    return text, arrays


def digest(text: str, arrays: Arrays) -> str:
    """Give the digest of a text and of arrays: their names, types, shapes and values."""
    content = hashlib.sha256(text.encode())
    for name in sorted(arrays):
        array = arrays[name]
        content.update(f"\n{name} {array.dtype.str} {array.shape}\n".encode())
        content.update(array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes())
    return content.hexdigest()


def smallest(values: NDArray[Any]) -> NDArray[Any]:
    """Give the same values in the smallest type that holds them exactly."""
    if len(values) == 0:
        return values.astype(np.uint8)
    for dtype in map(np.dtype, ("uint8", "int16", "int32", "float32")):
        info: Any = np.finfo(dtype) if dtype.kind == "f" else np.iinfo(dtype)
        if values.min() >= info.min and values.max() <= info.max and (values.astype(dtype) == values).all():
            return values.astype(dtype)
    return values

"""Reader for IDX files, the format of MNIST and its relatives.

An IDX file is a big-endian header (two zero bytes, a code for the type of the values, the number of
dimensions, then each dimension in 32 bits) followed by the values. Files come as they are or packed by gzip;
the first bytes tell which.
"""

from __future__ import annotations

import gzip
import hashlib
import math
import struct
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from bitlocal.datasets.formats.files import reading
from bitlocal.errors import DataError

_GZIP_MAGIC = b"\x1f\x8b"
_UINT8 = 0x08
_MOST_DIMENSIONS = 4
# Read in pieces: memory then grows with what the file really holds, not with what its header claims.
_PIECE = 1 << 20
_REMEDY = "replace the file, or delete it if it was downloaded to have it downloaded again"


def read_idx(path: Path, *, ndim: int | None = None, sha256: str | None = None) -> NDArray[np.uint8]:
    """Read an IDX file of unsigned bytes.

    Parameters
    ----------
    path : Path
        The file, packed by gzip or not, whatever its name.
    ndim : int, default None
        Number of dimensions that the file must have; None for any from 1 to 4.
    sha256 : str, default None
        SHA-256 (hexadecimal) that the unpacked file must have; None to accept any content.

    Returns
    -------
    ndarray of uint8
        The values, in the shape that the header says.

    Raises
    ------
    DataError
        If the file is missing, unreadable, no IDX file of unsigned bytes, shorter or longer than its header
        says, of another number of dimensions, or of another SHA-256.
    """
    with reading(path), path.open("rb") as raw:
        packed = raw.read(2) == _GZIP_MAGIC
        raw.seek(0)
        if not packed:
            return _read(raw, path, ndim, sha256)
        with gzip.GzipFile(fileobj=raw, mode="rb") as unpacked:
            return _read(cast(BinaryIO, unpacked), path, ndim, sha256)


def _read(stream: BinaryIO, path: Path, ndim: int | None, sha256: str | None) -> NDArray[np.uint8]:
    header = stream.read(4)
    if len(header) < 4 or header[:2] != b"\0\0":
        raise DataError(f"{path}: not an IDX file (it starts with {header!r}); expected an MNIST-style file")
    code, dimensions = header[2], header[3]
    if code != _UINT8:
        raise DataError(
            f"{path}: IDX values of type 0x{code:02x}; only unsigned bytes (0x08) can be read: convert them"
        )
    if not 1 <= dimensions <= _MOST_DIMENSIONS or (ndim is not None and dimensions != ndim):
        wanted = f"1 to {_MOST_DIMENSIONS}" if ndim is None else str(ndim)
        raise DataError(
            f"{path}: an IDX file with {dimensions} dimensions; expected {wanted}: check which file this is"
        )
    sizes = stream.read(4 * dimensions)
    if len(sizes) < 4 * dimensions:
        raise DataError(f"{path}: the IDX header is cut short; {_REMEDY}")
    shape = struct.unpack(f">{dimensions}I", sizes)
    promised = math.prod(shape)
    if promised == 0:
        raise DataError(f"{path}: an IDX file without values (shape {shape}); expected at least one sample")
    content = _read_at_most(stream, promised + 1)
    if len(content) != promised:
        came = "more" if len(content) > promised else f"only {len(content)}"
        raise DataError(f"{path}: the IDX header promises {promised} bytes but there are {came}; {_REMEDY}")
    if sha256 is not None:
        # Header and values are all there is in the unpacked file, so this is the hash of that file.
        digest = hashlib.sha256(header + sizes)
        digest.update(content)
        if digest.hexdigest() != sha256:
            raise DataError(
                f"{path}: not the expected content (SHA-256 of the unpacked file is {digest.hexdigest()}, "
                f"expected {sha256}); {_REMEDY}"
            )
    return np.frombuffer(content, dtype=np.uint8).reshape(shape)


def _read_at_most(stream: BinaryIO, limit: int) -> bytearray:
    """Read up to `limit` bytes; reading on to the end also makes gzip compare its checksum."""
    content = bytearray()
    while len(content) < limit:
        piece = stream.read(min(_PIECE, limit - len(content)))
        if not piece:
            break
        content += piece
    return content

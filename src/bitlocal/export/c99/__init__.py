"""C99 source files that infer and, on request, go on learning; and states, which devices exchange with Python.

The package is named for the edition that it writes, since `bitlocal.export.c` is the function that does so.
"""

from bitlocal.export.c99.encoder import EncoderCode, as_features, encoder_code
from bitlocal.export.c99.state import read_state, write_state
from bitlocal.export.c99.write import c

__all__ = ["EncoderCode", "as_features", "c", "encoder_code", "read_state", "write_state"]

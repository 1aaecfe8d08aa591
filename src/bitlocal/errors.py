"""The errors that a user can cause, and mend.

A message is one line and answers three questions: what was expected, what came instead, and what to do about
it. Anything else that goes wrong is a defect of the library and keeps its ordinary Python exception.
"""

from __future__ import annotations


class BitlocalError(Exception):
    """Base class of the errors that a user can cause and mend."""


class DataError(BitlocalError, ValueError):
    """Data that cannot be found, read or used."""


class DataWarning(UserWarning):
    """Data that can be used, though probably not as they are meant."""


class ModelFileError(BitlocalError, ValueError):
    """A model file that is not one, is damaged, or comes from a newer version."""


class PipelineError(BitlocalError, ValueError):
    """A pipeline that cannot become one classifier."""

"""The error of a model that cannot be exported."""

from __future__ import annotations

from bitlocal.errors import BitlocalError


class ExportError(BitlocalError, ValueError):
    """A model that cannot be exported as asked."""

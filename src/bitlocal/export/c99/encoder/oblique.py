"""Oblique sums: there is no C for them yet, which whoever exports should hear."""

from __future__ import annotations

from typing import Any, NoReturn

from bitlocal.encoders.oblique.quantities import Oblique
from bitlocal.encoders.tables.oblique import TableOblique
from bitlocal.export.c99.encoder.writer import Writer
from bitlocal.export.errors import ExportError


def _no_sums(*_: Any) -> NoReturn:
    raise ExportError(
        "oblique sums of columns cannot be exported to C yet: encode samples before they reach the device "
        "(`classifier.encoder_.transform`) and fit the classifier on the bits (encoder=None), or use an encoder "
        "without them, such as 'thermometer8' or 'table'"
    )


WRITERS: dict[type, Writer] = {Oblique: Writer(_no_sums, _no_sums), TableOblique: Writer(_no_sums, _no_sums)}

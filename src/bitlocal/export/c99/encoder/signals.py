"""Windows of signals: `SignalEncoder`.

Nothing is kept between integers: sums of neighbours are added up again for each band, so no memory is needed beyond
the window.
"""

from __future__ import annotations

from bitlocal.encoders import SignalEncoder
from bitlocal.encoders.signals import _Bands, _Crossings, _Differences, _Part, _Values
from bitlocal.export.c99.encoder.builder import Builder
from bitlocal.export.c99.encoder.features import TYPES, FeatureType
from bitlocal.export.c99.encoder.thermometers import NumberTable, Thermometers
from bitlocal.export.c99.encoder.thresholds import by_column
from bitlocal.export.c99.encoder.whole import add_whole

_FILE = "signal.c"


def suited_type(encoder: SignalEncoder) -> FeatureType:
    """Tell what signals the encoder was fitted on: whole numbers within 16 bits, or others."""
    return TYPES["int16" if encoder.levels_.shape[1] == 0 else "float"]


def add_signal(builder: Builder, encoder: SignalEncoder) -> None:
    """Add the code of an encoder."""
    signal = _Signal(builder, encoder)
    parts, first, rows = encoder._parts(), 0, []
    everything = by_column(
        encoder.columns_, encoder.thresholds_.astype("int64"), sum(part.n_integers for part in parts)
    )
    lags: list[int] = []
    for part, following in zip(parts, [*parts[1:], None], strict=True):
        of_part = everything[first : first + part.n_integers]
        first += part.n_integers
        if isinstance(part, _Differences):  # those of all lags go together
            rows += of_part
            lags.append(part.lag)
            if isinstance(following, _Differences):
                continue
            of_part, rows = rows, []
        if any(of_part):
            signal.add(part, of_part, lags)


class _Signal:
    """The code of an encoder of signals."""

    def __init__(self, builder: Builder, encoder: SignalEncoder) -> None:
        self._builder = builder
        self._encoder = encoder
        self._n_steps, self._channels = encoder.shape_
        self._value = add_whole(builder, "value", encoder.levels_ if encoder.levels_.shape[1] else None, "signals")

    def add(self, part: _Part, rows: list[list[int]], lags: list[int]) -> None:
        """Add the code of a part that has bits."""
        if isinstance(part, _Values):
            self._add_values(rows)
        elif isinstance(part, _Differences):
            self._add_differences(rows, lags)
        elif isinstance(part, _Crossings):
            self._add_crossings(rows)
        elif isinstance(part, _Bands):
            self._add_bands(rows)

    def _add_values(self, rows: list[list[int]]) -> None:
        thermometers = Thermometers(self._builder, "value_level", rows, self._value.low, self._value.high)
        write = thermometers.call(self._value.at("i"))
        self._builder.part("values", self._builder.loop(len(rows), write, thermometers.start()))

    def _add_differences(self, rows: list[list[int]], lags: list[int]) -> None:
        span = self._value.high - self._value.low
        thermometers = Thermometers(self._builder, "difference", rows, -span, span)
        earlier = self._value.at(self._text("place before").rstrip())
        values = {"ctype": thermometers.ctype, "later": self._value.at("i"), "earlier": earlier}
        write = thermometers.call(self._text("difference", **values).rstrip())
        n = self._n_steps * self._channels
        name = self._builder.function("differences", _FILE, "differences", n=n, write=write)
        calls = [self._text("call of differences", name=name, apart=lag * self._channels) for lag in lags]
        self._builder.part("differences", thermometers.start() + "".join(calls))

    def _add_crossings(self, rows: list[list[int]]) -> None:
        medians = NumberTable(
            self._builder, "medians", self._encoder.medians_.tolist(), self._value.low, self._value.high
        )
        channel = self._text("channel" if self._channels > 1 else "only channel", channels=self._channels).rstrip()
        values = {"value": self._value.at("i"), "above": medians.below("value", channel)}
        above = self._builder.function("above", _FILE, "above", ctype=medians.ctype, **values)
        name = self._builder.function("crossings", _FILE, "crossings", channels=self._channels, above=above)
        self._add_segments("crossing", rows, self._n_steps, name)

    def _add_bands(self, rows: list[list[int]]) -> None:
        place = self._text("place" if self._channels > 1 else "only place", channels=self._channels).rstrip()
        name = self._builder.function("sum", _FILE, "sum", value=self._value.at(place))
        name = self._builder.function("energy", _FILE, "energy", sum=name)
        self._add_segments("band", rows, 2**31 - 1, name)

    def _add_segments(self, what: str, rows: list[list[int]], high: int, name: str) -> None:
        thermometers = Thermometers(self._builder, what, rows, 0, high)
        value = self._text(f"call of {what}s", name=name).rstrip()
        self._builder.add(_FILE, "bound")
        body = self._text(
            f"write {what}s",
            start=thermometers.start(),
            segments=min(int(self._encoder.n_segments), self._n_steps),
            n_steps=self._n_steps,
            channels=self._channels,
            most=2 ** (self._n_steps.bit_length() - 2) if self._n_steps > 1 else 0,
            write=thermometers.call(value, cast=thermometers.ctype != "int32_t"),
        )
        self._builder.part(f"{what}s", body)

    def _text(self, piece: str, **values: object) -> str:
        return self._builder.text(_FILE, piece, **values)

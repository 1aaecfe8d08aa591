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
from bitlocal.export.c99.numbers import indented

_DIFFERENCES = """\
/* Differences of values that are so many places apart. */
static void ${name}(const ${feature_t} *features, ${p}_writer_t *out, size_t apart)
{
    size_t i;
    for (i = apart; i < ${n}u; i++) {
        ${write}
    }
}
"""

_BOUND = """\
/* Where segment s begins, of so many segments of n steps. */
static size_t ${p}_bound(size_t s, size_t n, size_t segments)
{
    return (size_t)(((uint32_t)s * (uint32_t)n) / (uint32_t)segments);
}
"""

_ABOVE = """\
static int ${name}(const ${feature_t} *features, size_t i)
{
    const ${ctype} value = ${value};
    return ${above};
}
"""

_CROSSINGS = """\
/* How often a channel crosses its median in some steps. */
static int32_t ${name}(const ${feature_t} *features, size_t first, size_t end, size_t channel)
{
    int32_t n = 0;
    size_t t;
    for (t = (first > 0u) ? first : 1u; t < end; t++) {
        const size_t i = (t * ${channels}u) + channel;
        if (${above}(features, i) != ${above}(features, i - ${channels}u)) {
            n++;
        }
    }
    return n;
}
"""

_WRITE_CROSSINGS = """\
size_t s;
${start}for (s = 0u; s < ${segments}u; s++) {
    const size_t first = ${p}_bound(s, ${n_steps}u, ${segments}u);
    const size_t end = ${p}_bound(s + 1u, ${n_steps}u, ${segments}u);
    size_t channel;
    for (channel = 0u; channel < ${channels}u; channel++) {
        ${write}
    }
}
"""

_SUM = """\
static int32_t ${name}(const ${feature_t} *features, size_t first, size_t n, size_t channel)
{
    int32_t sum = 0;
    size_t t;
    for (t = first; t < (first + n); t++) {
        sum += (int32_t)${value};
    }
    return sum;
}
"""

_ENERGY = """\
/* How much the sums of so many values differ from those of the values that follow them. */
static int32_t ${name}(const ${feature_t} *features, size_t first, size_t end, size_t half, size_t channel)
{
    int32_t energy = 0;
    size_t i;
    for (i = first; i < end; i++) {
        const size_t place = i * 2u * half;
        const int32_t left = ${sum}(features, place, half, channel);
        const int32_t right = ${sum}(features, place + half, half, channel);
        energy += (left > right) ? (left - right) : (right - left);
    }
    return energy;
}
"""

_WRITE_BANDS = """\
size_t half;
${start}for (half = 1u; half <= ${most}u; half *= 2u) {
    const size_t n = ${n_steps}u / (2u * half);
    const size_t segments = (n < ${segments}u) ? n : ${segments}u;
    size_t s;
    for (s = 0u; s < segments; s++) {
        const size_t first = ${p}_bound(s, n, segments);
        const size_t end = ${p}_bound(s + 1u, n, segments);
        size_t channel;
        for (channel = 0u; channel < ${channels}u; channel++) {
            ${write}
        }
    }
}
"""


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
        self._value, self._low, self._high = add_whole(
            builder, "value", encoder.levels_ if encoder.levels_.shape[1] else None, "signals"
        )

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
        thermometers = Thermometers(self._builder, "value_level", rows, self._low, self._high)
        write = thermometers.call(self._value.format("i"))
        loop = f"for (i = 0u; i < {len(rows)}u; i++) {{\n    {write}\n}}\n"
        self._builder.part("values", indented(f"size_t i;\n{thermometers.start()}{loop}"))

    def _add_differences(self, rows: list[list[int]], lags: list[int]) -> None:
        span = self._high - self._low
        thermometers = Thermometers(self._builder, "difference", rows, -span, span)
        ctype = thermometers.ctype
        later, earlier = self._value.format("i"), self._value.format("i - apart")
        difference = f"({ctype})(({ctype}){later} - ({ctype}){earlier})"
        n, write = self._n_steps * self._channels, thermometers.call(difference)
        name = self._builder.function("differences", _DIFFERENCES, n=n, write=write)
        calls = [f"{name}(features, out, {lag * self._channels}u);\n" for lag in lags]
        self._builder.part("differences", indented(thermometers.start() + "".join(calls)))

    def _add_crossings(self, rows: list[list[int]]) -> None:
        medians = NumberTable(self._builder, "medians", self._encoder.medians_.tolist(), self._low, self._high)
        channel = f"i % {self._channels}u" if self._channels > 1 else "0u"
        above = self._builder.function(
            "above",
            _ABOVE,
            ctype=medians.ctype,
            value=self._value.format("i"),
            above=medians.below("value", channel),
        )
        name = self._builder.function("crossings", _CROSSINGS, channels=self._channels, above=above)
        call = f"{name}(features, first, end, channel)"
        self._add_segments(_WRITE_CROSSINGS, "crossing", rows, self._n_steps, call)

    def _add_bands(self, rows: list[list[int]]) -> None:
        value = self._value.format(f"(t * {self._channels}u) + channel" if self._channels > 1 else "t + channel")
        name = self._builder.function("energy", _ENERGY, sum=self._builder.function("sum", _SUM, value=value))
        call = f"{name}(features, first, end, half, channel)"
        self._add_segments(_WRITE_BANDS, "band", rows, 2**31 - 1, call)

    def _add_segments(self, template: str, what: str, rows: list[list[int]], high: int, call: str) -> None:
        thermometers = Thermometers(self._builder, what, rows, 0, high)
        if thermometers.ctype != "int32_t":
            call = f"({thermometers.ctype}){call}"
        self._builder.add(_BOUND)
        body = self._builder.text(
            template,
            start=thermometers.start(),
            segments=min(int(self._encoder.n_segments), self._n_steps),
            n_steps=self._n_steps,
            channels=self._channels,
            most=2 ** (self._n_steps.bit_length() - 2) if self._n_steps > 1 else 0,
            write=thermometers.call(call),
        )
        self._builder.part(f"{what}s", indented(body))

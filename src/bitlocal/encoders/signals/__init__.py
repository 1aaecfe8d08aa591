"""Windows of signals to bits: levels over time, differences, crossings and band energies, all in integers."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import _check_feature_names_in, check_array, check_is_fitted, validate_data

from bitlocal.encoders.base import Encoder
from bitlocal.encoders.checks import Arrays, require, require_whole
from bitlocal.encoders.comparison import Thresholds
from bitlocal.encoders.maps import as_int16
from bitlocal.encoders.program import Compared, Piece
from bitlocal.encoders.signals.quantities import Bands, Crossings, Differences, OfSignal, Signal, Values
from bitlocal.encoders.thresholds import ThermometerEncoder

_VALUES_AT_A_TIME = 2**18  # samples are encoded in pieces of about so many values
_ROWS_TO_LEARN_FROM = 20_000
_VALUES_TO_LEARN_FROM = 2**26  # at most, unless fewer than _FEWEST_ROWS samples have them
_FEWEST_ROWS = 1000
_MOST_STEPS = 2**16  # sums of absolute details fit into 32 bits
_DEFAULT_BITS = {"thermometer": 4, "difference": 4, "crossings": 8, "bands": 8}


class SignalEncoder(Encoder):
    """Windows of signals (accelerometer, audio, ECG) to bits; no arithmetic but on integers.

    Values become integers first, then come the parts: integers computed from these, each of which gets a thermometer
    over the quantiles of the training data. An integer that is the same in all training samples gets no bits.

    Parameters
    ----------
    parts : str, default="thermometer4+difference4+crossings8+bands8"
        Names of parts with "+" between, each at most once, followed by the most bits for each of its integers:

        - "thermometer" (4 bits, if no number follows): the value at each step.
        - "difference" (4 bits): x[t + d] - x[t] for each step t and each d of `lags`.
        - "crossings" (8 bits): how often each segment of the window crosses the channel's median of the training data.
        - "bands" (8 bits): energies of the octaves, by Haar wavelets: pairs of neighbours are replaced by their sums,
          again and again; the absolute differences of the pairs are added up for each segment. Band 1 is the highest.
    shape : tuple of int or None, default=None
        (n_steps,) or (n_steps, n_channels) of a sample, for data that come flattened. None: that of the training data;
        two dimensions are samples and steps of one channel.
    lags : tuple of int, default=(1, 2, 4)
        Distances of the differences, in steps; those that the window is too short for are left out.
    n_segments : int, default=4
        Equal parts of the window in which crossings and energies are counted separately; fewer where the window, or a
        band, has fewer values.
    level_bits : int, default=8
        Values that are not whole numbers within int16 become levels of so many bits, from 1 to 15.

    Attributes
    ----------
    shape_ : tuple of int
        (n_steps, n_channels) of a sample.
    levels_ : ndarray of float64, shape (n_channels, 2**level_bits - 1), or (n_channels, 0)
        A value becomes the number of these that it exceeds: its channel's. They are evenly spaced over the training
        data but for 0.1 % at either end. There are none if the training data are whole numbers within int16, whatever
        their type: these are taken as they are, and values met later are rounded down and clipped to that range.
    medians_ : ndarray of int32, shape (n_channels,)
        Of the integers of the training data; the lower of two.
    columns_ : ndarray of int64, shape (n_bits_,)
        The integer that each bit belongs to, ascending.
    thresholds_ : ndarray of int32, shape (n_bits_,)
        The bit is 1 where the integer is greater than this.
    n_bits_ : int
        Bits of an encoded sample.
    n_features_in_ : int
        Values of a sample: steps times channels.

    Notes
    -----
    Missing values are an error: a window with a gap must be filled in, or left out. Levels and thresholds are learnt
    from 20 000 samples at most, evenly spaced in the training data. The bits cannot be turned back into signals.

    Examples
    --------
    >>> import numpy as np
    >>> from bitlocal import SignalEncoder
    >>> slow, fast = [0, 0, 9, 9, 0, 0, 9, 9], [0, 9, 0, 9, 0, 9, 0, 9]
    >>> encoder = SignalEncoder("crossings+bands", n_segments=1).fit([slow, fast])
    >>> encoder.get_feature_names_out()
    array(['crossings[0:8]>3', 'band1[0:8]>0', 'band2[0:8]>0'], dtype=object)
    >>> encoder.transform([slow, fast]).astype(int)
    array([[0, 0, 1],
           [1, 1, 0]])
    """

    takes_raw_samples = True
    shape_: tuple[int, int]
    levels_: NDArray[np.float64]
    medians_: NDArray[np.int32]
    columns_: NDArray[np.int64]
    thresholds_: NDArray[np.int32]

    def __init__(
        self,
        parts: str = "thermometer4+difference4+crossings8+bands8",
        shape: tuple[int, ...] | None = None,
        lags: tuple[int, ...] = (1, 2, 4),
        n_segments: int = 4,
        level_bits: int = 8,
    ) -> None:
        self.parts = parts
        self.shape = shape
        self.lags = lags
        self.n_segments = n_segments
        self.level_bits = level_bits

    def fit(self, X: ArrayLike, y: object = None) -> SignalEncoder:
        """Find levels, medians and thresholds.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_steps), (n_samples, n_steps, n_channels) or flattened, see `shape`
            Training data: finite numbers; at least two samples, of at most 65536 steps.
        y : object, optional
            Not used.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a parameter is not valid, or the data are no finite numbers or not of the right shape.
        """
        self._check_parameters()
        data, shape = self._read(X, reset=True)
        self.shape_ = self._shape_of(data, shape)
        require(
            self.shape_[0] <= _MOST_STEPS,
            f"windows of {self.shape_[0]} steps are too long: cut them into windows of at most {_MOST_STEPS} steps",
        )
        _require_finite(data)
        most = min(_ROWS_TO_LEARN_FROM, max(_VALUES_TO_LEARN_FROM // data.shape[1], _FEWEST_ROWS))
        chosen = data[:: -(-len(data) // most)].reshape(-1, *self.shape_)
        self.levels_ = _find_levels(chosen, data, 2 ** int(self.level_bits))
        signal = self._signal()
        flat = chosen.reshape(len(chosen), -1)
        values = np.concatenate([signal.whole(flat[rows]) for rows in _pieces(flat)])
        channels = values.reshape(-1, self.shape_[1])
        middle = (len(channels) - 1) // 2
        self.medians_ = np.partition(channels, middle, axis=0)[middle].astype(np.int32)

        columns, thresholds, n_before = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int32)], 0
        for quantities, n_bits in self._quantities():
            block = np.concatenate([quantities(values[rows]) for rows in _pieces(values)])
            found = ThermometerEncoder(n_bits).find(block)
            columns.append(found.columns + n_before)
            thresholds.append(found.values.astype(np.int32))
            n_before += quantities.n
        self.columns_, self.thresholds_ = np.concatenate(columns), np.concatenate(thresholds)
        return self

    def _signal(self) -> Signal:
        return Signal(*self.shape_, self.levels_)

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> NDArray[np.object_]:
        """Name each bit, as in `x[5,2]>0.3` (step 5 of channel 2), `x[9,2]-x[5,2]>7` or `band3[0:32,2]>40`.

        Values are told as in the training data; differences, crossings and energies in integers.

        Parameters
        ----------
        input_features : array-like of str, optional
            Names of the values of a sample, flattened; those seen by `fit`, or x[0], x[1], ... by default.

        Returns
        -------
        ndarray of str objects, shape (n_bits,)
        """
        check_is_fitted(self)
        names = [f"x{place}" for place in _places(self.shape_)]
        if input_features is not None or hasattr(self, "feature_names_in_"):
            names = list(_check_feature_names_in(self, input_features))
        n_channels, labels = self.shape_[1], []
        for stage in self._stages():
            quantities: Any = stage.quantities
            of_quantities = quantities.labels(names)
            as_values = isinstance(quantities, Values) and self.levels_.shape[1] > 0
            for column, threshold in zip(stage.thresholds.columns.tolist(), stage.thresholds.values, strict=True):
                whole = int(threshold)
                told = self.levels_[column % n_channels, whole].item() if as_values else whole
                labels.append(f"{of_quantities[column]}>{told!r}".removesuffix(".0"))
        return np.asarray(labels, dtype=object)

    def validate(self, X: ArrayLike) -> NDArray[Any]:
        """Check windows, and flatten them."""
        data, shape = self._read(X, reset=False)
        if len(shape) == 2 and shape != self.shape_:
            raise ValueError(f"X has samples of shape {shape}, but those of fit have shape {self.shape_}")
        _require_finite(data)
        return data

    def piece(self) -> Piece:
        """Make values whole, and run the parts."""
        return Piece(self.validate, tuple(self._stages()), self._signal().whole, _pieces)

    def _stages(self) -> Iterator[Compared]:
        first = 0
        for quantities, _ in self._quantities():
            low, high = np.searchsorted(self.columns_, [first, first + quantities.n])
            missing = np.zeros(quantities.n, dtype=np.bool_)
            values = self.thresholds_[low:high].astype(np.float64)
            yield Compared(quantities, Thresholds(self.columns_[low:high] - first, values, missing))
            first += quantities.n

    def _read(self, X: ArrayLike, *, reset: bool) -> tuple[NDArray[Any], tuple[int, ...]]:
        """Check samples, and flatten them; the second result is the shape that one of them had."""
        options: dict[str, Any] = {"dtype": "numeric", "ensure_all_finite": False}
        options["ensure_min_samples"] = 2 if reset else 1
        samples: Any = X if hasattr(X, "shape") else np.asarray(X)
        shape = tuple(samples.shape[1:])
        if len(shape) == 2:
            samples = check_array(samples, allow_nd=True, ensure_min_features=0, **options)
            require(math.prod(shape) > 0, f"X has samples of shape {shape}: expected at least one step and channel")
            samples = samples.reshape(len(samples), -1)
        data: NDArray[Any] = validate_data(self, samples, reset=reset, **options)
        return data.astype(np.float64) if data.dtype == np.longdouble else data, shape

    def _shape_of(self, data: NDArray[Any], shape: tuple[int, ...]) -> tuple[int, int]:
        """Give steps and channels of training samples that came in a shape."""
        if self.shape is None:
            return shape[0], shape[1] if len(shape) == 2 else 1
        wanted = (*self.shape, 1)[:2]
        if (len(shape) == 2 and shape != wanted) or math.prod(wanted) != data.shape[1]:
            raise ValueError(f"shape={self.shape!r} does not fit samples of shape {shape}")
        return int(wanted[0]), int(wanted[1])

    def _quantities(self) -> list[tuple[OfSignal, int]]:
        """Give the parts, and the most bits for each of their integers."""
        signal, n_segments = self._signal(), int(self.n_segments)
        found: list[tuple[OfSignal, int]] = []
        for name, n_bits in _read_parts(self.parts):
            if name == "thermometer":
                found.append((Values(signal), n_bits))
            elif name == "difference":
                found += [(Differences(signal, int(lag)), n_bits) for lag in self.lags if lag < self.shape_[0]]
            elif name == "crossings":
                found.append((Crossings(signal, n_segments, self.medians_), n_bits))
            else:
                found.append((Bands(signal, n_segments), n_bits))
        return found

    def _check_parameters(self) -> None:
        _read_parts(self.parts)
        if self.shape is not None:
            require(
                isinstance(self.shape, (tuple, list)) and len(self.shape) in (1, 2),
                f"shape={self.shape!r}: expected (n_steps,), (n_steps, n_channels) or None",
            )
            for size in self.shape:
                require_whole("shape", size)
        require(isinstance(self.lags, (tuple, list)), f"lags={self.lags!r}: expected a tuple of whole numbers")
        for lag in self.lags:
            require_whole("lags", lag)
        require(len(set(self.lags)) == len(self.lags), f"lags={self.lags!r}: a distance comes twice")
        require_whole("n_segments", self.n_segments)
        require_whole("level_bits", self.level_bits)
        require(self.level_bits <= 15, f"level_bits={self.level_bits!r}: expected a whole number from 1 to 15")

    def fitted(self) -> tuple[dict[str, Any], Arrays]:
        """Give what `fit` found, for a model file."""
        values = {"shape": list(self.shape_)}
        arrays: Arrays = {"columns": self.columns_, "thresholds": self.thresholds_, "medians": self.medians_}
        if self.levels_.size:
            arrays["levels"] = self.levels_.ravel()
        return values, arrays

    def restore(self, values: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], n_features: int) -> None:
        """Take back what `fitted` gave."""
        self._check_parameters()
        shape = values["shape"]
        require(
            isinstance(shape, list) and len(shape) == 2 and all(type(size) is int and size > 0 for size in shape),
            "the shape of the signals is not valid",
        )
        n_steps, n_channels = shape
        require(n_steps * n_channels == n_features, "the shape of the signals does not fit the number of features")
        require(n_steps <= _MOST_STEPS, "the signals have too many steps")
        columns, thresholds, medians = arrays["columns"], arrays["thresholds"], arrays["medians"]
        levels = arrays.get("levels", np.zeros(0, dtype=np.uint8))
        require(
            all(array.ndim == 1 for array in (columns, thresholds, medians, levels))
            and all(array.dtype.kind in "iu" for array in (columns, thresholds, medians))
            and levels.dtype.kind in "iuf"
            and columns.shape == thresholds.shape
            and len(medians) == n_channels
            and len(levels) in (0, n_channels * (2 ** int(self.level_bits) - 1)),
            "the encoder's arrays are not of the shapes or types that they should be",
        )
        for whole in (columns, thresholds, medians):
            require(
                len(whole) == 0 or (whole.min() >= -(2**31) and whole.max() < 2**31),
                "the encoder has numbers that are too large",
            )
        require(np.isfinite(levels).all(), "the encoder has levels that are not finite")
        levels = levels.astype(np.float64).reshape(n_channels, -1)
        require((levels[:, 1:] >= levels[:, :-1]).all(), "the encoder's levels are not in order")
        self.shape_ = n_steps, n_channels
        self.levels_, self.medians_ = levels, medians.astype(np.int32)
        n_integers = sum(quantities.n for quantities, _ in self._quantities())
        require(
            len(columns) == 0 or (columns.min() >= 0 and columns.max() < n_integers),
            "the encoder looks at integers that do not exist",
        )
        found = Thresholds.from_arrays({"columns": columns, "thresholds": thresholds}, n_integers)
        self.columns_, self.thresholds_ = found.columns, found.values.astype(np.int32)
        for stage in self._stages():
            if isinstance(stage.quantities, Values) and levels.size:  # these thresholds are places in the levels
                places = stage.thresholds.values
                require(((places >= 0) & (places < levels.shape[1])).all(), "the encoder has thresholds of no level")
        self.n_features_in_ = n_features

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags


def _read_parts(text: str) -> list[tuple[str, int]]:
    """Read the names of the parts, and the bits for each of their integers."""
    found: dict[str, int] = {}
    for part in text.split("+") if isinstance(text, str) else [repr(text)]:
        match = re.fullmatch(r"([a-z]+)([1-9]\d{0,3})?", part, re.ASCII)
        if match is None or match[1] not in _DEFAULT_BITS:
            known = ", ".join(map(repr, _DEFAULT_BITS))
            raise ValueError(
                f"parts={text!r}: {part!r} is unknown: use {known}, each followed by its bits, '+' between"
            )
        if match[1] in found:
            raise ValueError(f"parts={text!r}: {match[1]!r} comes twice")
        found[match[1]] = int(match[2] or _DEFAULT_BITS[match[1]])
    return list(found.items())


def _pieces(X: NDArray[Any]) -> Iterator[slice]:
    """Cut samples into pieces that are not too large."""
    n_rows = max(_VALUES_AT_A_TIME // math.prod(X.shape[1:]), 1)
    for first in range(0, len(X), n_rows):
        yield slice(first, first + n_rows)


def _require_finite(X: NDArray[Any]) -> None:
    if X.dtype.kind != "f":
        return
    for rows in _pieces(X):
        wrong = np.argwhere(~np.isfinite(X[rows]))
        if len(wrong):
            row, column = wrong[0].tolist()
            value = "NaN" if np.isnan(X[rows][row, column]) else "infinity"
            raise ValueError(
                f"sample {rows.start + row} of X contains {value}: signals must be finite, so fill the gap in, as by "
                "interpolation, or leave the window out"
            )


def _find_levels(chosen: NDArray[Any], data: NDArray[Any], n_levels: int) -> NDArray[np.float64]:
    """Levels of each channel, none if all data are whole numbers within int16."""
    n_channels = chosen.shape[2]
    if all((as_int16(data[rows]) == data[rows]).all() for rows in _pieces(data)):
        return np.zeros((n_channels, 0))
    weights = np.arange(1, n_levels) / n_levels
    levels = np.empty((n_channels, n_levels - 1))
    for channel in range(n_channels):
        ordered = np.sort(chosen[:, :, channel].astype(np.float64), axis=None)
        left_out = len(ordered) // 1000
        low, high = ordered[left_out], ordered[len(ordered) - 1 - left_out]
        if low == high:
            low, high = ordered[0], ordered[-1]
        # A weighted mean: the difference of two large numbers could overflow. Rounding must not change the order.
        levels[channel] = np.maximum.accumulate(low * (1 - weights) + high * weights)
    return levels


def _places(shape: tuple[int, int]) -> list[str]:
    """Name the values of a sample by their places in it."""
    n_steps, n_channels = shape
    if n_channels == 1:
        return [f"[{step}]" for step in range(n_steps)]
    return [f"[{step},{channel}]" for step in range(n_steps) for channel in range(n_channels)]

"""What the golden record holds: configurations, exports and model files, on data that depend on nothing but the rule.

The data come from the generator of `tests/reference.py`, so that no version of a library can change them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.pipeline import FeatureUnion

import reference
from bitlocal import (
    BMLPClassifier,
    CategoryEncoder,
    ImageEncoder,
    MedianBinarizer,
    TableEncoder,
    TextEncoder,
    ThermometerEncoder,
)
from bitlocal.single_layer import SingleLayerClassifier

_SYNTHETIC = 6  # purpose of the random stream: "Random numbers" in docs/algorithm.md
_N = 120


def _draw(what: int, n: int, bound: int) -> np.ndarray:
    """Give n whole numbers below `bound`."""
    return (reference.words(2412, _SYNTHETIC, 9, 0, what, n) % np.uint64(bound)).astype(np.int64)


def _labels(n_classes: int, n: int = _N) -> np.ndarray:
    return np.arange(n) % n_classes


def bits(n_inputs: int, n_classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Prototypes of which a fifth of the bits are flipped."""
    y = _labels(n_classes)
    prototypes = _draw(1, n_classes * n_inputs, 2).reshape(n_classes, n_inputs) > 0
    flips = _draw(2, _N * n_inputs, 5).reshape(_N, n_inputs) == 0
    return prototypes[y] ^ flips, y


def numbers(kind: str = "float") -> tuple[np.ndarray, np.ndarray]:
    """Nine columns around a centre for each class: quarters, or small whole numbers, or quarters with holes."""
    y = _labels(3)
    X = _draw(3, 27, 60).reshape(3, 9)[y] + _draw(4, _N * 9, 80).reshape(_N, 9)
    if kind == "uint8":
        return X.astype(np.uint8), y
    quarters = X / 4 - 11
    if kind == "holes":
        quarters[_draw(5, _N * 9, 7).reshape(_N, 9) == 0] = np.nan
    return quarters, y


def images(kind: str = "uint8", channels: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Images of 11 x 13 pixels: a pattern for each class, and noise."""
    y, shape = _labels(3), (11, 13, channels)
    size = int(np.prod(shape))
    X = _draw(6, 3 * size, 160).reshape(3, *shape)[y] + _draw(7, _N * size, 90).reshape(_N, *shape)
    X = X[..., 0] if channels == 1 else X
    return (X.astype(np.uint8) if kind == "uint8" else X / 256), y


def signals() -> tuple[np.ndarray, np.ndarray]:
    """Windows of 32 steps of 2 channels: triangles whose length tells the class."""
    y = _labels(3)
    steps = np.arange(32)
    length = 5 + 4 * y[:, np.newaxis]
    wave = np.abs((steps + _draw(8, _N, 20)[:, np.newaxis]) % (2 * length) - length) * 16
    noise = _draw(9, _N * 64, 60).reshape(_N, 32, 2)
    return (wave[:, :, np.newaxis] + noise).astype(np.int16), y


def texts() -> tuple[np.ndarray, np.ndarray]:
    """Six words, of which two come from the class."""
    y = _labels(3)
    common = ["über", "der", "die", "das", "ein", "und", "mit", "von", "zu", "im"]
    own = [["rot", "blau", "grün"], ["eins", "zwei", "drei"], ["katze", "hund", "maus"]]
    picks = _draw(10, _N * 6, 10).reshape(_N, 6)
    told = [
        " ".join([*(common[w] for w in picks[i, :4]), *(own[y[i]][w % 3] for w in picks[i, 4:])]) for i in range(_N)
    ]
    return np.array(told), y


def table() -> tuple[np.ndarray, np.ndarray]:
    """Numbers with holes, text with holes, whole numbers, truth values: an array of objects."""
    y = _labels(3)
    X = np.empty((_N, 4), dtype=object)
    drawn = _draw(11, _N * 4, 100).reshape(_N, 4)
    for i in range(_N):
        X[i, 0] = None if drawn[i, 0] < 12 else float(drawn[i, 0] + 30 * y[i]) / 8
        X[i, 1] = None if drawn[i, 1] < 9 else "abcdefgh"[(int(drawn[i, 1]) // 30 + 2 * int(y[i])) % 8]
        X[i, 2] = int(drawn[i, 2])
        X[i, 3] = bool(drawn[i, 3] < 30 + 20 * y[i])
    return X, y


def categories() -> tuple[np.ndarray, np.ndarray]:
    """Codes of categories."""
    y = _labels(3)
    return (_draw(12, _N * 5, 6).reshape(_N, 5) + 2 * y[:, np.newaxis]) % 9, y


@dataclass(frozen=True)
class Case:
    """A classifier and what it learns from."""

    name: str
    data: Any
    settings: dict[str, Any] = field(default_factory=dict)
    single_layer: bool = False
    stream: bool = False  # whether the samples come once, in four parts, by partial_fit

    def fitted(self, n_jobs: int) -> Any:
        """Train it."""
        X, y = self.data
        usual = {"hidden_layer_sizes": (45,), "max_iter": 3, "random_state": 0, "batch_size": 16}
        usual |= {"encoder": None, "readout": "votes"}
        make = SingleLayerClassifier if self.single_layer else BMLPClassifier
        clf = make(**{**usual, **self.settings}, n_jobs=n_jobs)
        if not self.stream:
            return clf.fit(X, y)
        for part in range(4):
            clf.partial_fit(X[part::4], y[part::4], classes=np.unique(y))
        return clf


def _bits(name: str, n_inputs: int, n_classes: int, **settings: Any) -> Case:
    return Case(name, bits(n_inputs, n_classes), settings)


def _rules() -> list[Case]:
    """Depths, widths, clips, seeds, batch sizes, margins and variants of the rule."""
    two, three = (45, 30), (60, 45, 15)
    cases = [
        _bits("one layer", 70, 3),
        _bits("two layers", 70, 3, hidden_layer_sizes=two),
        _bits("three layers", 70, 3, hidden_layer_sizes=three),
        _bits("one neuron", 9, 2, hidden_layer_sizes=1, group_size=1),
        _bits("a single input", 1, 2, hidden_layer_sizes=15),
        *(_bits(f"{n} inputs", n, 4) for n in (63, 64, 65, 127, 129, 200)),
        *(_bits(f"{k} neurons", 40, 3, hidden_layer_sizes=k) for k in (63, 64, 65, 128, 131)),
        *(_bits(f"{c} classes", 100, c) for c in (2, 7, 8, 9, 17)),
        *(_bits(f"groups of {g}", 70, 3, hidden_layer_sizes=two, group_size=g) for g in (1, 3, 15)),
        *(_bits(f"clip {c}", 70, 3, hidden_layer_sizes=two, hidden_clip=c, batch_size=8) for c in (1, 15, 255)),
        *(_bits(f"batches of {b}", 70, 3, batch_size=b) for b in (1, 7, 100, 300)),
        *(_bits(f"robustness {r}", 70, 3, hidden_layer_sizes=two, robustness=r) for r in (0, 0.29, 1)),
        *(_bits(f"reinforcement {r}", 70, 3, hidden_layer_sizes=two, reinforcement=r) for r in (0, 0.5, 10)),
        *(_bits(f"seed {s}", 70, 3, random_state=s) for s in (1, 2**32, 2**64 - 1)),
        _bits("frozen first layer", 70, 3, hidden_layer_sizes=two, freeze_first=True),
        _bits("trained classifier", 70, 9, train_classifier=True),
        _bits("two layers and a trained classifier", 70, 3, hidden_layer_sizes=two, train_classifier=True),
        _bits("random features", 70, 3, freeze_first=True, train_classifier=True),
        _bits("single output", 70, 2, single_output=True),
        _bits("two layers and a single output", 70, 2, hidden_layer_sizes=two, single_output=True, robustness=0),
        _bits("early stopping", 70, 3, early_stopping=True, max_iter=9, n_iter_no_change=2),
        _bits("validation", 70, 3, hidden_layer_sizes=two, validation_fraction=0.2),
        Case("stream", bits(70, 3), {"hidden_layer_sizes": two, "batch_size": 8}, stream=True),
        _bits("learned readout", 70, 9, hidden_layer_sizes=two, readout="learned"),
        _bits("learned readout, early stopping", 70, 9, readout="learned", early_stopping=True),
        Case("learned readout, stream", bits(70, 9), {"readout": "learned", "batch_size": 8}, stream=True),
        Case("majority units", bits(70, 3), {"group_size": 5}, single_layer=True),
        Case("even majority units", bits(70, 9), {"hidden_layer_sizes": 132, "group_size": 2}, single_layer=True),
        Case("majority units, single output", bits(70, 2), {"group_size": 9, "single_output": True}, single_layer=True),
    ]
    return cases


def _encoders() -> list[Case]:
    union = FeatureUnion([("bits", ThermometerEncoder(3)), ("median", MedianBinarizer(scope="column"))])
    image_union = FeatureUnion([("image", ImageEncoder("hog2", shape=(11, 13))), ("levels", ThermometerEncoder(1))])
    rgb = images("float", 3)
    flat = images()[0].reshape(_N, -1), images()[1]
    made = {
        "auto": ("auto", numbers()),
        "auto with holes": ("thermometer32", numbers("holes")),
        "auto for bytes": ("auto", numbers("uint8")),
        "auto for a table": ("table", table()),
        "auto for texts": ("auto", texts()),
        "median": ("median", numbers()),
        "column-median": ("column-median", numbers("holes")),
        "thermometer": ("thermometer5", numbers("uint8")),
        "uniform": (ThermometerEncoder(4, "uniform"), numbers()),
        "gaussian": (ThermometerEncoder(4, "gaussian"), numbers()),
        "supervised": (ThermometerEncoder(4, "supervised"), numbers("holes")),
        "shared bits": (ThermometerEncoder(8, max_bits=40), numbers()),
        "union": (union, numbers()),
        "one-hot": (CategoryEncoder(), categories()),
        "ordinal": (CategoryEncoder(coding="ordinal"), categories()),
        "binary": (CategoryEncoder(coding="binary"), categories()),
        "table": (TableEncoder(), numbers("holes")),
        "hog": ("image:thermometer2+hog4", images()),
        "edges": ("image:gradient16+census8", images("float")),
        "colours": ("image:local2+pool3/4+hog2", rgb),
        "random pixels": (ImageEncoder("pairs70+patches50", radius=2, random_state=5), images()),
        "images and levels": (image_union, flat),
        "signal": ("signal:thermometer3+difference2+crossings3+bands4", signals()),
        "words": (TextEncoder(n_bits=512), texts()),
        "characters": (TextEncoder(n_bits=640, analyzer="char_wb"), texts()),
    }
    return [Case(f"encoder: {name}", data, {"encoder": encoder}) for name, (encoder, data) in made.items()]


def _trials() -> list[Case]:
    """What is chosen on samples that are held out: the encoder, the readout, or both."""
    made = {
        "numbers with holes": ({"encoder": "auto"}, numbers("holes")),
        "a table": ({"encoder": "auto"}, table()),
        "bits": ({"encoder": "auto", "group_size": 5}, bits(70, 3)),
        "images": ({"encoder": "image:hog2"}, images()),
    }
    settings = {"max_iter": 6, "readout": None}
    return [Case(f"by trial: {name}", data, {**settings, **chosen}) for name, (chosen, data) in made.items()]


CASES = {case.name: case for case in (*_rules(), *_encoders(), *_trials())}

EXPORTS: dict[str, tuple[str, dict[str, Any]]] = {
    "infer": ("one layer", {}),
    "learn": ("two layers", {"learn": True}),
    "learn in 4 bits": ("clip 15", {"learn": True, "batch_size": 4}),
    "learn in 8 bits, with a program": ("clip 255", {"learn": True, "layout": "make", "prefix": "eight"}),
    "trained classifier": ("trained classifier", {}),
    "single output": ("single output", {"learn": True, "layout": "cmake"}),
    "learned readout": ("learned readout", {"learn": True}),
    "learned readout, to infer": ("learned readout, stream", {}),
    "thermometer of bytes": ("encoder: thermometer", {"layout": "arduino"}),
    "thermometer of floats": ("encoder: supervised", {}),
    "categories": ("encoder: ordinal", {}),
    "image": ("encoder: hog", {"learn": True}),
    "image in colour": ("encoder: colours", {}),
    "random pixels": ("encoder: random pixels", {}),
    "signal": ("encoder: signal", {}),
    "union": ("encoder: images and levels", {}),
}

MODELS: dict[str, tuple[str, bool]] = {  # file: configuration, and whether it is for inference only
    "two-layers": ("two layers", False),
    "trained-classifier": ("two layers and a trained classifier", False),
    "learned-readout": ("learned readout", False),
    "majority-units": ("majority units", False),
    "inference-only": ("three layers", True),
    "table": ("encoder: auto for a table", False),
    "image": ("encoder: random pixels", False),
    "signal": ("encoder: signal", True),
    "union": ("encoder: union", False),
    "text": ("encoder: words", True),
    "by-trial": ("by trial: a table", False),
}

"""`BMLPStreamClassifier`: the binary network with the conventions of River, for streams.

No bit operations here.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from river import base

from bitlocal.bits import PackedBits
from bitlocal.encoders.base import Encoder
from bitlocal.estimator import BMLPClassifier
from bitlocal.river.calibration import EmergingCalibration
from bitlocal.river.features import Row, check_values, features_of, fit_features, rows_of
from bitlocal.samples.weights import MOST, to_fixed
from bitlocal.spec import default_group_size
from bitlocal.spec.constraints import Whole
from bitlocal.spec.parameters import DEFAULTS, layer_sizes
from bitlocal.spec.presets import PRESETS

if TYPE_CHECKING:
    import pandas as pd

_GROUP_SIZE = 15  # or close to it: smaller than the library's, which learns faster


class BMLPStreamClassifier(base.MiniBatchClassifier):
    """Multi-layer binary neural network that learns from a stream, a sample at a time.

    The network and its rule are those of `bitlocal.BMLPClassifier`, the interface is River's. Features are numbers,
    truth values, text (categories) or times, and may be missing. Thresholds need typical samples: the first `warm_up`
    samples are kept, an encoder is fitted on them, they are learnt in their order, and from there on each sample as it
    comes. Until then, predictions are the shares of the classes so far.

    The warm-up decides which features there are, and which are numbers or categories: what emerges later is left aside,
    and a feature that disappears is a missing value, which has a bit of its own only if it was missing in the warm-up,
    and otherwise lies above no threshold. If no feature varies in the warm-up, another one follows.

    Parameters
    ----------
    hidden_layer_sizes : tuple of int or int, default=(1035,)
        Neurons in each trained layer.
    group_size : int or None, default=None
        Neurons in a group; must divide every layer's size. None for the size closest to 15 that divides every layer's:
        who sees each sample once should learn faster than who sees it again and again.
    robustness : float, default=0.25
        A sample teaches a layer until its class leads by this share of the layer's neurons. From 0 to 1.
    reinforcement : float, default=0.0
        Factor in the probability with which hidden weights move away from zero after a mini-batch. None by default: in
        mini-batches of one sample it would drown what is learnt from the sample.
    hidden_clip : int or None, default=None
        Odd bound on the absolute hidden weights; None for what 16-bit counters allow (65535).
    freeze_first : bool, default=False
        Whether the first layer stays as it was drawn: random features.
    train_classifier : bool, default=False
        Whether the last layer's classifier learns too.
    readout : str, default="votes"
        What tells the class: "votes" of the last layer, or "learned", whole numbers that begin as these votes and learn
        beside the layers.
    batch_size : int, default=1
        Samples in a mini-batch. What does not fill one yet waits, so that `learn_many` and `learn_one` are the same.
    warm_up : int, default=200
        How many samples to fit the encoder on; at least 2.
    encoder : str, Encoder or None, default=None
        How samples become bits. None gives a `TableEncoder` if there are categories or times, else a
        `ThermometerEncoder`. Others are an encoder of tables (`ThermometerEncoder`, `MedianBinarizer`, `TableEncoder`,
        `CategoryEncoder`) or a name such as "thermometer12". One that was fitted on a DataFrame is used as it is: there
        is no warm-up, and its columns are the features.
    classes : sequence of labels or None, default=None
        All labels that will ever come, at least two, if they are known: the network is made for just these.
    max_classes : int, default=10
        How many labels can come where `classes` does not name them: the network has a place for each, and a label takes
        the next free one. Places that no label has taken are never predicted, and cost little but memory.
    seed : int or None, default=None
        Seed of everything random. An int from 0 to 2**64 - 1 makes results reproducible.

    Examples
    --------
    >>> from river import datasets, evaluate, metrics
    >>> from bitlocal.river import BMLPStreamClassifier
    >>> model = BMLPStreamClassifier(seed=0)
    >>> metric = evaluate.progressive_val_score(datasets.Phishing(), model, metrics.Accuracy())
    >>> metric.get() > 0.8
    True
    """

    def __init__(
        self,
        hidden_layer_sizes: tuple[int, ...] | int = PRESETS[None].hidden_layer_sizes,
        group_size: int | None = None,
        robustness: float = PRESETS[None].robustness,
        reinforcement: float = 0.0,
        hidden_clip: int | None = DEFAULTS["hidden_clip"],
        freeze_first: bool = DEFAULTS["freeze_first"],
        train_classifier: bool = DEFAULTS["train_classifier"],
        readout: str = "votes",
        batch_size: int = 1,
        warm_up: int = 200,
        encoder: str | Encoder | None = None,
        classes: Sequence[Hashable] | None = None,
        max_classes: int = 10,
        seed: int | None = None,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.group_size = group_size
        self.robustness = robustness
        self.reinforcement = reinforcement
        self.hidden_clip = hidden_clip
        self.freeze_first = freeze_first
        self.train_classifier = train_classifier
        self.readout = readout
        self.batch_size = batch_size
        self.warm_up = warm_up
        self.encoder = encoder
        self.classes = classes
        self.max_classes = max_classes
        self.seed = seed

        self._classifier = self._make_classifier()
        for name, value in (("warm_up", warm_up), ("max_classes", max_classes)):
            Whole(2).check(name, value)
        self._places: dict[Hashable, int] = {}
        if classes is not None:
            self._places = {label: place for place, label in enumerate(dict.fromkeys(classes))}
            if len(self._places) < 2:
                raise ValueError(f"classes={classes!r}: expected at least 2 labels, all that will ever come")
        self._weights: dict[Any, float] = {}  # of the samples of each label, which are in order of appearance
        self._kept: list[tuple[Row, int, float]] = []  # samples of the warm-up: features, place, weight
        self._waiting: list[tuple[NDArray[np.uint64], int, float]] = []  # for a full mini-batch: bits, place, weight
        self._features = features_of(encoder)
        self._calibration = EmergingCalibration()

    # What River asks for -------------------------------------------------------------------------------------------

    @property
    def _multiclass(self) -> bool:
        return True

    @classmethod
    def _unit_test_params(cls) -> Iterator[dict[str, Any]]:
        small = {"hidden_layer_sizes": (105,), "warm_up": 20}
        yield small
        yield {**small, "batch_size": 8, "reinforcement": 0.5, "encoder": "table"}

    # Learning ------------------------------------------------------------------------------------------------------

    @property
    def classifier(self) -> BMLPClassifier | None:
        """The classifier inside, which knows bits and places only; None before it has learnt anything."""
        return self._classifier if hasattr(self._classifier, "network_") else None

    def learn_one(self, x: dict[base.typing.FeatureName, Any], y: base.typing.ClfTarget, w: float = 1.0) -> None:
        """Learn from a sample.

        Parameters
        ----------
        x : dict
            Features by name, in any order.
        y : label
            Its class: bool, int or str.
        w : float, default=1.0
            How often the sample counts in its mini-batch, from 0 to 32767; the fraction of 1.3 is drawn.

        Raises
        ------
        ValueError
            If the sample cannot be used; the message says what was expected.
        """
        self._learn([x], [y], [w])

    def learn_many(self, X: pd.DataFrame, y: pd.Series, w: pd.Series | float | None = None) -> None:
        """Learn from samples in their order, just as `learn_one` does from one after the other.

        Parameters
        ----------
        X : DataFrame
            A row for each sample, a column for each feature.
        y : Series
            Class labels.
        w : Series or float, optional
            Weights of the samples; None for 1 each.

        Raises
        ------
        ValueError
            If samples cannot be used; the message says what was expected.
        """
        rows, labels = rows_of(X), np.asarray(y).tolist()
        weights = np.broadcast_to(np.asarray(1.0 if w is None else w, dtype=np.float64), len(rows)).tolist()
        if len(labels) != len(rows):
            raise ValueError(f"X has {len(rows)} samples and y {len(labels)} labels: expected one for each sample")
        self._learn(rows, labels, weights)

    def _learn(self, rows: Sequence[Row], labels: Sequence[Any], weights: Sequence[float]) -> None:
        """Learn from samples; those that have a part in the warm-up apart from those after it."""
        for weight in weights:
            if not 0 <= weight <= MOST:
                raise ValueError(f"w={weight!r}: expected a weight from 0 to {MOST}")
        # What has no weight must not fill mini-batches: it would depend on how many samples a call brings.
        samples = [one for one in zip(rows, labels, weights, strict=True) if to_fixed(one[2])]
        while samples:
            left = self.warm_up - len(self._kept) if self._features is None else len(samples)
            now, samples = samples[:left], samples[left:]
            self._take([row for row, _, _ in now], [label for _, label, _ in now], [float(w) for _, _, w in now])

    def _take(self, rows: Sequence[Row], labels: Sequence[Any], weights: Sequence[float]) -> None:
        places = self._with_places(labels)
        if self._features is None:
            for row in rows:
                check_values(row)
        else:
            bits = self._features.encode(rows)
        # Nothing of this call can be refused from here on.
        self._places = places
        for label, weight in zip(labels, weights, strict=True):
            self._weights[label] = self._weights.get(label, 0.0) + weight
        numbered = [places[label] for label in labels]
        if self._features is None:
            self._kept += zip(map(dict, rows), numbered, weights, strict=True)
            if len(self._kept) == self.warm_up:
                self._end_warm_up()
        else:
            self._waiting += zip(bits.words, numbered, weights, strict=True)
            self._train(bits.n_bits)

    def _with_places(self, labels: Sequence[Any]) -> dict[Hashable, int]:
        """Give the places of all labels with those that are new."""
        places = dict(self._places)
        for label in labels:
            if label in places:
                continue
            if label is None or label != label:
                raise ValueError(f"y={label!r}: the label is missing; learn from samples that have one")
            if self.classes is not None:
                raise ValueError(
                    f"y={label!r} is not among classes={self.classes!r}: name all labels that will ever come, or leave "
                    "classes out and say in max_classes how many they are"
                )
            if len(places) == self.max_classes:
                raise ValueError(
                    f"y={label!r} is label {len(places) + 1}, but max_classes={self.max_classes} have a place in the "
                    f"network, taken by {list(places)!r}: begin with a larger max_classes"
                )
            places[label] = len(places)
        return places

    def _end_warm_up(self) -> None:
        kept, self._kept = self._kept, []  # should they be refused, others are collected
        rows, places = [row for row, _, _ in kept], [place for _, place, _ in kept]
        features = fit_features(self.encoder, rows, places)
        if features is None:
            return  # nothing to tell them apart by, so nothing to learn
        self._features = features
        bits = features.encode(rows)
        self._waiting = [(words, place, w) for words, (_, place, w) in zip(bits.words, kept, strict=True)]
        self._train(bits.n_bits)

    def _train(self, n_bits: int) -> None:
        """Learn what fills mini-batches; the rest waits."""
        full = len(self._waiting) // self.batch_size * self.batch_size
        if full == 0:
            return
        ready, self._waiting = self._waiting[:full], self._waiting[full:]
        bits = PackedBits(np.stack([words for words, _, _ in ready]), n_bits)
        places = np.array([place for _, place, _ in ready])
        weights = None if all(w == 1 for _, _, w in ready) else np.array([w for _, _, w in ready])
        n_places = self.max_classes if self.classes is None else len(self._places)
        first = 0
        if self.classifier is None:
            first = self.batch_size  # which makes the network
            of_these = None if weights is None else weights[:first]
            self._classifier.partial_fit(bits[:first], places[:first], np.arange(n_places), of_these)
        # What partial_fit does, without its checks, which were made above: they take ten times as long as to learn.
        bits, places = bits[first:], places[first:]
        fixed = None if weights is None else to_fixed(weights[first:])
        logits = np.empty((len(places), n_places), dtype=np.int32)
        network = self._classifier.network_
        network.train_stream(bits, places, weights=fixed, batch_size=self.batch_size, logits=logits)
        self._calibration.note(logits, places, fixed)

    def _make_classifier(self) -> BMLPClassifier:
        classifier = BMLPClassifier(
            self.hidden_layer_sizes,
            group_size=self.group_size,
            robustness=self.robustness,
            reinforcement=self.reinforcement,
            batch_size=self.batch_size,
            hidden_clip=self.hidden_clip,
            freeze_first=self.freeze_first,
            train_classifier=self.train_classifier,
            readout=self.readout,
            encoder=None,
            probability=False,  # they are not over all places: see calibration.py
            random_state=self.seed,
        )
        classifier.check_parameters()
        if self.group_size is None:
            classifier.set_params(group_size=default_group_size(layer_sizes(self.hidden_layer_sizes), _GROUP_SIZE))
        return classifier

    # Inference -----------------------------------------------------------------------------------------------------

    def predict_proba_one(
        self, x: dict[base.typing.FeatureName, Any], **kwargs: Any
    ) -> dict[base.typing.ClfTarget, float]:
        """Compute the probabilities of the labels so far.

        Parameters
        ----------
        x : dict
            Features by name, in any order.
        **kwargs : object
            Left aside; other classifiers of River take more.

        Returns
        -------
        dict of label to float
            In order of appearance; empty before there was any label. `predict_one` gives the likeliest, of several the
            first. They are softmax(logits / temperature), with the temperature that suits the last 1000 samples as they
            were answered before they were learnt.
        """
        return dict(zip(self._weights, self._probabilities([x])[0].tolist(), strict=True))

    def predict_proba_many(self, X: pd.DataFrame) -> pd.DataFrame:
        """Compute the probabilities of the labels so far.

        Parameters
        ----------
        X : DataFrame
            A row for each sample, a column for each feature.

        Returns
        -------
        DataFrame
            A row for each sample, a column for each label, in order of appearance.
        """
        import pandas as pd

        columns = pd.Index(list(self._weights), dtype=None if self._weights else object)
        return pd.DataFrame(self._probabilities(rows_of(X)), index=X.index, columns=columns)

    def predict_many(self, X: pd.DataFrame) -> pd.Series:
        """Predict labels.

        Parameters
        ----------
        X : DataFrame
            A row for each sample, a column for each feature.

        Returns
        -------
        Series
            The likeliest label for each sample; None before there was any label.
        """
        import pandas as pd

        labels = list(self._weights)
        if not labels:
            return pd.Series([None] * len(X), index=X.index, dtype=object)
        return pd.Series([labels[i] for i in self._probabilities(rows_of(X)).argmax(axis=1)], index=X.index)

    def _probabilities(self, rows: Sequence[Row]) -> NDArray[np.float64]:
        """Compute the probabilities of the labels so far, a column for each."""
        found = None
        if self._features is not None and self.classifier is not None and rows:
            logits = self.classifier.network_.logits(self._features.encode(rows))
            found = self._calibration.probabilities(logits, [self._places[label] for label in self._weights])
        if found is None:
            shares = np.array(list(self._weights.values()))
            found = np.tile(shares / shares.sum(), (len(rows), 1))
        return found

"""`BMLPClassifier`: the binary network with the conventions of scikit-learn. No bit operations here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from joblib import effective_n_jobs
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted, column_or_1d

from bitlocal.bits import PackedBits
from bitlocal.estimator.calibration import StreamCalibration, calibrated_temperature, validation_temperature
from bitlocal.estimator.probabilities import Probabilities
from bitlocal.estimator.selection import Selection, select
from bitlocal.network import BinaryNetwork
from bitlocal.samples import encode, fit_encoder, places_of, read, read_training
from bitlocal.samples.weights import weigh
from bitlocal.spec import READOUT_UNIT, Spec
from bitlocal.spec.parameters import DEFAULTS, check, compose, decompose, draw_seed
from bitlocal.spec.presets import PRESETS, settle
from bitlocal.splits import hold_out
from bitlocal.training import Callback, EpochRecord, ReadoutRecord, Validation, describe, train, train_readout


class BMLPClassifier(Probabilities, ClassifierMixin, BaseEstimator):
    """Multi-layer binary neural network, trained with local binary error signals.

    Inputs, weights and activations are bits. Each weight has an integer counter, its hidden weight, and learns by
    XNOR, popcount, comparison and increment or decrement alone; every layer learns from its own random classifier, so
    nothing is propagated back. The same `random_state` gives the same network on every machine, for any `n_jobs`.

    Parameters
    ----------
    hidden_layer_sizes : tuple of int or int or None, default=None
        Neurons in each trained layer. None for (1035,). Here and below, None has another meaning with a `preset`.
    group_size : int or None, default=None
        Neurons in a group; must divide every layer's size. A sample that teaches updates at most one neuron in each
        group, so smaller groups learn faster and larger groups learn more finely. None for the size closest to 45 that
        divides every layer's.
    robustness : float or None, default=None
        A sample teaches a layer until its class leads by this share of the layer's neurons. From 0 to 1; None for 0.25.
    reinforcement : float or None, default=None
        Factor p_r in the probability with which hidden weights move away from zero; 0 switches it off. From 0 to 10;
        None for 2.0; the publication uses 0.5.
    batch_size : int or None, default=None
        Samples in a mini-batch; weights are refreshed after each. None for 100.
    max_iter : int or None, default=None
        Epochs. None for 20, and more for small data: as many as make 2000 mini-batches, up to 200.
    hidden_clip : int or None, default=None
        Odd bound on the absolute hidden weights; None for what 16-bit counters allow (65535). With 15 counters have
        4 bits, with 255 they have 8. A mini-batch moves a counter by up to as many steps as it has samples, so a small
        bound needs small mini-batches: `batch_size=8` with 15.
    freeze_first : bool, default=False
        Whether the first layer stays as it was drawn: random features.
    train_classifier : bool, default=False
        Whether the last layer's classifier learns too, with hidden weights of its own.
    single_output : bool, default=False
        Whether two classes share one output unit, which is + for the second class and - for the first.
    readout : {"votes", "learned", "auto"} or None, default=None
        What tells the class: "votes" of the last layer's neurons, by its random classifier; or "learned", a whole
        number for each class and neuron, which begins as a vote and learns from samples whose class does not lead by
        enough, while the layers learn as ever. `fit` trains these numbers last, in 15 passes, `partial_fit` beside the
        layers. With `early_stopping` the held-out part chooses between the passes and votes. "auto": what is right more
        often on samples that `fit` holds out for a trial; votes in a stream. None for "auto".
    encoder : str, transformer or None, default="auto"
        How samples become bits. "auto" gives arrays of three or four dimensions, which are images, an `ImageEncoder`,
        takes booleans, -1/+1 and 0/1, also in a sparse matrix, as bits, gives tables with text or categories a
        `TableEncoder`, texts on their own (a list or an array of str) a `TextEncoder`, and other numbers a
        `ThermometerEncoder` with 32 bits a feature for up to 64 features and fewer, down to 8 (2 if they are sparse),
        for more; tables also sums of columns, or conjunctions, if those do better on samples that are held out for a
        trial. Other names are those of `bitlocal.encoders.make_encoder`: "median" is the published setting, one
        median for all features; "thermometer4" has 4 bits a feature; "image:thermometer4+hog4" knows edges. A
        transformer gets the samples as they come (it is cloned, then fitted), and must return booleans, -1/+1 or 0/1.
        None: the data are bits.
    class_weight : dict, "balanced" or None, default=None
        How often a sample of a class counts in its mini-batch, by class label; 1 where a label is not named. "balanced"
        for n_samples / (n_classes * samples of the class). Multiplied by `sample_weight`; see `fit`.
    probability : bool, default=True
        Whether `fit` ends by preparing `predict_proba`: by the held-out part if there is one, else by up to three
        more trainings of half the epochs, each without a part of the data, which takes up to as long again. What
        `predict` gives does not depend on it.
    early_stopping : bool, default=False
        Whether to stop when the accuracy on a held-out part of the training data no longer rises, and to keep the
        network that was best on it.
    validation_fraction : float or None, default=None
        Share of the training data to hold out, stratified by class, and to report the accuracy on after each epoch.
        None for 0.1 with `early_stopping` and none without.
    n_iter_no_change : int, default=10
        Epochs without improvement after which `early_stopping` stops.
    tol : float, default=0.0
        How much the validation accuracy must rise to count as an improvement.
    warm_start : bool, default=False
        Whether `fit` goes on from the network of the previous `fit`, with its encoder.
    random_state : int, RandomState instance or None, default=None
        Seed of everything random. An int from 0 to 2**64 - 1 makes results reproducible.
    n_jobs : int or None, default=None
        Threads that encode, learn and predict; None for 1 and -1 for all processors. The results do not depend on it.
    verbose : bool, default=False
        Whether to print a line for each epoch.
    preset : {"published", "accurate", "fast", "tiny"} or None, default=None
        What parameters mean that are None, what "auto" is, and how many epochs there are. None is the best all-round
        choice for the kind of data. "published" is what the publication has: one median for all features, groups of
        15, 50 epochs. "accurate" takes several times the time and memory, "fast" a fraction of the time; "tiny" is for
        devices: 110 neurons, counters of 8 bits. `bitlocal.spec.presets.PRESETS` has all of it.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels.
    n_features_in_ : int
        Features seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where `fit` got a DataFrame with string column names.
    encoder_ : transformer or None
        The fitted encoder; None where the data are bits.
    selection_ : Selection or None
        What was tried on samples that were held out, where the encoder or the readout was "auto", and what was chosen;
        None where there was no choice.
    readout_ : str
        What answers, "votes" or "learned".
    temperature : float or None
        What logits are divided by to become probabilities; None where it is not known.
    network_ : BinaryNetwork
        The trained network: hidden weights, weights, local classifiers.
    n_iter_ : int
        Epochs of the last `fit`; fewer where one came without an error signal: nothing would change after it.
    history_ : list of EpochRecord
        For each epoch: training accuracy, validation accuracy, share of samples with an error signal, seconds. All of
        votes, which teach the layers.
    readout_history_ : list of ReadoutRecord
        For each pass of a learned readout in the last `fit`, from 0, where it begins: counts and validation accuracy.
        Files do not keep it.

    References
    ----------
    L. Colombo, F. Pittorino, M. Roveri, "Training Multi-Layer Binary Neural Networks With Local Binary Error
    Signals", arXiv:2412.00119.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.model_selection import train_test_split
    >>> from bitlocal import BMLPClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    >>> clf = BMLPClassifier(random_state=0).fit(X_train, y_train)
    >>> clf.score(X_test, y_test) > 0.95
    True
    """

    classes_: NDArray[Any]
    feature_names_in_: NDArray[np.object_]
    readout_history_: list[ReadoutRecord]
    selection_: Selection | None

    def __init__(
        self,
        hidden_layer_sizes: tuple[int, ...] | int | None = DEFAULTS["hidden_layer_sizes"],
        *,
        group_size: int | None = DEFAULTS["group_size"],
        robustness: float | None = DEFAULTS["robustness"],
        reinforcement: float | None = DEFAULTS["reinforcement"],
        batch_size: int | None = DEFAULTS["batch_size"],
        max_iter: int | None = DEFAULTS["max_iter"],
        hidden_clip: int | None = DEFAULTS["hidden_clip"],
        freeze_first: bool = DEFAULTS["freeze_first"],
        train_classifier: bool = DEFAULTS["train_classifier"],
        single_output: bool = DEFAULTS["single_output"],
        readout: str | None = DEFAULTS["readout"],
        encoder: Any = DEFAULTS["encoder"],
        class_weight: Mapping[Any, float] | str | None = DEFAULTS["class_weight"],
        probability: bool = DEFAULTS["probability"],
        early_stopping: bool = DEFAULTS["early_stopping"],
        validation_fraction: float | None = DEFAULTS["validation_fraction"],
        n_iter_no_change: int = DEFAULTS["n_iter_no_change"],
        tol: float = DEFAULTS["tol"],
        warm_start: bool = DEFAULTS["warm_start"],
        random_state: Any = DEFAULTS["random_state"],
        n_jobs: int | None = DEFAULTS["n_jobs"],
        verbose: bool = DEFAULTS["verbose"],
        preset: str | None = DEFAULTS["preset"],
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.group_size = group_size
        self.robustness = robustness
        self.reinforcement = reinforcement
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.hidden_clip = hidden_clip
        self.freeze_first = freeze_first
        self.train_classifier = train_classifier
        self.single_output = single_output
        self.readout = readout
        self.encoder = encoder
        self.class_weight = class_weight
        self.probability = probability
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.warm_start = warm_start
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.preset = preset

    # Training ------------------------------------------------------------------------------------------------------

    def fit(
        self,
        X: ArrayLike | PackedBits,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        callback: Callback | None = None,
    ) -> BMLPClassifier:
        """Train on X, y; what was learnt before is forgotten unless `warm_start` is set.

        An interruption (Ctrl-C) leaves a usable classifier, trained so far.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), DataFrame, or PackedBits
            Training data: bits (booleans, -1/+1 or 0/1), numbers (NaN where one is missing), a table with text and
            categories, or what else the encoder takes. Bits that were packed by `bitlocal.pack`, or by an encoder's
            `pack`, are used as they are, which saves encoding them again and again.
        y : array-like of shape (n_samples,)
            Class labels, of any type; at least two classes.
        sample_weight : array-like of shape (n_samples,), optional
            How often each sample counts in its mini-batch, from 0 to 32767. A weight of 2 is as good as the sample
            twice there, bit for bit; 0 leaves it out; the fraction of 1.3 is drawn anew in each epoch. Weights that are
            all below 1 are taken for shares, and divided by their mean. The encoder counts each sample once.
        callback : callable, optional
            Called with a `Progress` several times an epoch.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a parameter or the data cannot be used; the message says what was expected.
        """
        self.check_parameters()
        go_on = self.warm_start and hasattr(self, "network_")
        X, y = read_training(self, X, y, go_on=go_on)
        classes = self.classes_ if go_on else np.unique(y)
        X, labels, weights = weigh(X, places_of(y, classes), classes, sample_weight, self.class_weight)
        if not go_on:
            if hasattr(self, "network_"):
                del self.network_  # should what follows fail, nothing half-new passes for fitted
            present = np.unique(labels)  # a class of which weights leave nothing does not exist
            self.classes_, labels = classes[present], np.searchsorted(present, labels)
            self._require_two_classes()
            seed = draw_seed(self.random_state)
            temperature = self._select(X, labels, weights, seed)
            self.encoder_: Any = fit_encoder(self, X, labels, self.settled()["encoder"])
        bits = self._encode(X)
        if go_on:
            temperature = None
            self._check_same_rule()
        else:
            self._start_network(bits.n_bits, seed)

        validation = None
        fraction = self.validation_fraction
        if fraction is None and self.early_stopping:
            fraction = 0.1
        if fraction:
            rest, held_out = hold_out(labels, fraction, seed=self.network_.spec.seed)
            patience = self.n_iter_no_change if self.early_stopping else None
            watched = None if weights is None else weights[held_out]
            validation = Validation(bits[held_out], labels[held_out], patience, self.tol, watched)
            bits, labels = bits[rest], labels[rest]
            weights = None if weights is None else weights[rest]

        n_epochs = self._epochs(len(labels))
        self.n_iter_, self.readout_history_ = 0, []
        for record in train(
            self.network_,
            bits,
            labels,
            weights=weights,
            epochs=n_epochs,
            batch_size=self._batch_size,
            n_threads=effective_n_jobs(self.n_jobs),
            validation=validation,
            callback=callback,
        ):
            self.n_iter_ += 1
            self.history_.append(record)
            if self.verbose:
                print(describe(record, n_epochs))
        how = {"batch_size": self._batch_size, "n_threads": effective_n_jobs(self.n_jobs)}
        if self.readout_ == "learned":
            self.readout_history_ = train_readout(self.network_, bits, labels, weights, validation, **how)
        if self.probability:
            if validation is not None:
                temperature = validation_temperature(self.network_, validation, n_threads=how["n_threads"])
            elif temperature is None:
                temperature = calibrated_temperature(self.network_, bits, labels, weights, **how)
            self.calibration_ = StreamCalibration(temperature)
        return self

    def partial_fit(
        self,
        X: ArrayLike | PackedBits,
        y: ArrayLike,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> BMLPClassifier:
        """Learn from samples in the order given, in mini-batches of `batch_size`.

        The first call fits the encoder on its samples, so it should see typical ones. Reinforcement
        follows the accuracy of the last full window of 1000 samples; until there is one, that of the last epoch of a
        `fit`. How a stream is cut between mini-batches changes nothing.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), or PackedBits
            Samples.
        y : array-like of shape (n_samples,)
            Class labels.
        classes : array-like of shape (n_classes,), optional
            All class labels that will ever come; needed in the first call only.
        sample_weight : array-like of shape (n_samples,), optional
            How often each sample counts in its mini-batch, as in `fit`, but never divided by a mean: one of 0.5 is
            presented every other time.

        Returns
        -------
        self
        """
        self.check_parameters()
        first = not hasattr(self, "network_")
        if first and classes is None:
            raise ValueError("classes must be passed on the first call to partial_fit: all labels that will ever come")
        X, y = read_training(self, X, y, go_on=not first)
        if first:
            self.classes_ = np.unique(column_or_1d(classes))
            self._require_two_classes()
        elif classes is not None and not np.array_equal(np.unique(column_or_1d(classes)), self.classes_):
            raise ValueError(f"classes={classes!r} differ from those of the first call: {self.classes_!r}")
        labels = places_of(y, self.classes_)
        X, labels, weights = weigh(X, labels, self.classes_, sample_weight, self.class_weight, stream=True)
        if len(labels) == 0:
            return self
        if first:
            self.selection_ = None
            self.encoder_ = fit_encoder(self, X, labels, self.encoder)
        bits = self._encode(X)
        if first:
            self._start_network(bits.n_bits, draw_seed(self.random_state))
        else:
            self._check_same_rule()
        logits = np.empty((len(labels), len(self.classes_)), dtype=np.int32) if self.probability else None
        self.network_.train_stream(
            bits,
            labels,
            weights=weights,
            batch_size=self._batch_size,
            n_threads=effective_n_jobs(self.n_jobs),
            logits=logits,
        )
        if logits is not None:
            self.calibration_.note(logits, labels, weights)
        return self

    def _select(self, X: Any, labels: NDArray[np.intp], weights: NDArray[np.uint64] | None, seed: int) -> float | None:
        """Decide what is open, the encoder or the readout, by trial; gives the temperature if that tells it."""
        self.selection_ = None
        self.selection_, temperature = select(self, X, labels, weights, seed=seed, epochs=self._epochs(len(labels)))
        if self.verbose and self.selection_ is not None:
            print(f"chosen: {self.selection_}")
        return temperature

    @property
    def readout_(self) -> str:
        """What answers: "votes" or "learned"."""
        return self.network_.spec.target.readout

    def _start_network(self, n_bits: int, seed: int) -> None:
        self.network_ = BinaryNetwork(self._spec(n_bits, seed))
        self.calibration_ = StreamCalibration()
        self.history_: list[EpochRecord] = []
        self.readout_history_ = []
        self.n_iter_ = 0

    def _spec(self, n_bits: int, seed: int) -> Spec:
        """Give the network that the parameters stand for."""
        return compose(self.settled(), n_inputs=n_bits, n_classes=len(self.classes_), seed=seed)

    def _epochs(self, n_samples: int) -> int:
        if self.max_iter is not None:
            return int(self.max_iter)
        return PRESETS[self.preset].n_epochs(n_samples, self._batch_size)

    @property
    def _batch_size(self) -> int:
        return int(self.settled()["batch_size"])

    def _check_same_rule(self) -> None:
        """Learning may go on with other epochs or batches, not with another network or rule."""
        if not self.network_.has_hidden_weights:
            raise ValueError(
                "this network has no hidden weights (its file was saved for inference only), so it cannot be trained"
            )
        spec = self.network_.spec
        then = decompose(spec)
        for name, now in decompose(self._spec(spec.n_inputs, spec.seed)).items():
            if now != then[name]:
                raise ValueError(f"learning cannot go on with {name}={now!r}: the network has {name}={then[name]!r}")

    # Inference -----------------------------------------------------------------------------------------------------

    def predict(self, X: ArrayLike | PackedBits) -> NDArray[Any]:
        """Predict class labels.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), or PackedBits

        Returns
        -------
        ndarray of shape (n_samples,)
            The class with the largest logit; ties go to the first in `classes_`.
        """
        winners = self.logits(X).argmax(axis=1)
        labels: NDArray[Any] = self.classes_[winners]
        return labels

    def decision_function(self, X: ArrayLike | PackedBits) -> NDArray[np.float64]:
        """Compute the logits in votes: how many neurons of the last layer vote for a class, less those against.

        With a learned readout, they are sums of its numbers for a class, a vote being worth 64.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), or PackedBits

        Returns
        -------
        ndarray of float64, shape (n_samples, n_classes), or (n_samples,) for two classes
            With two classes, the second logit less the first. In the type that what builds on them in scikit-learn
            wants (calibration, say), and comparable between votes and learned readouts.
        """
        votes = self.logits(X) / (READOUT_UNIT if self.readout_ == "learned" else 1)
        return np.asarray(votes[:, 1] - votes[:, 0] if votes.shape[1] == 2 else votes)

    def logits(self, X: ArrayLike | PackedBits) -> NDArray[np.int32]:
        """Compute the logits as the network does, and exported code: whole numbers for each class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), or PackedBits

        Returns
        -------
        ndarray of int32, shape (n_samples, n_classes)
        """
        check_is_fitted(self, "network_")
        return self.network_.logits(self._encode(read(self, X)), n_threads=effective_n_jobs(self.n_jobs))

    # Data ----------------------------------------------------------------------------------------------------------

    def _require_two_classes(self) -> None:
        if len(self.classes_) < 2:
            raise ValueError(f"y has 1 class, {self.classes_[0]!r}: a classifier needs at least 2 classes to learn")

    def _encode(self, X: Any) -> PackedBits:
        n_bits = self.network_.spec.n_inputs if hasattr(self, "network_") else None
        return encode(self.encoder_, X, n_bits, n_threads=effective_n_jobs(self.n_jobs))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = self.encoder is not None
        tags.input_tags.sparse = True
        return tags

    def settled(self) -> dict[str, Any]:
        """Give the parameters, with what those that are None mean with the preset, and what was chosen by trial."""
        settled = settle(self.get_params(deep=False))
        selection = getattr(self, "selection_", None)
        for name, value in ({} if selection is None else selection.chosen.parameters).items():
            if isinstance(settled[name], str) and settled[name] == "auto":
                settled[name] = value
        return settled

    def check_parameters(self) -> None:
        """Raise a ValueError that says what was expected, unless all parameters can be used."""
        check(self.get_params(deep=False))

"""What the baselines that train with PyTorch share: scikit-learn's conventions, epochs, validation, early stopping."""

from __future__ import annotations

import importlib
import math
import numbers
import time
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from joblib import effective_n_jobs
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length, check_is_fitted, column_or_1d, validate_data

from bitlocal.bits import PackedBits
from bitlocal.encoders.choice import choose_encoder, takes_raw
from bitlocal.encoders.union import is_union, parts_of, takes_raw_samples
from bitlocal.lab.baselines.inputs import Scaler, encode, signs
from bitlocal.splits import hold_out

_ROWS_AT_ONCE = 1000  # in prediction, so that activations stay in the cache


@dataclass(frozen=True)
class BaselineRecord:
    """What one epoch of a baseline came to.

    Attributes
    ----------
    epoch : int
        Its number, from 1.
    n_samples, n_batches : int
        Samples and mini-batches that were presented.
    loss : float
        Mean cross-entropy of the samples when they were presented.
    train_accuracy : float
        Share of samples classified correctly when they were presented, before the network learnt from them.
    validation_accuracy : float or None
        Accuracy on the held-out part at the end of the epoch, where there is one.
    seconds : float
        Wall-clock time of the training, without validation.
    """

    epoch: int
    n_samples: int
    n_batches: int
    loss: float
    train_accuracy: float
    validation_accuracy: float | None
    seconds: float


class Learner:
    """A network in PyTorch while it is trained: its parameters, its optimiser and its forward pass."""

    optimiser: Any

    @abstractmethod
    def forward(self, x: Any) -> Any:
        """Compute the logits of a mini-batch, in training."""

    def step(self, loss: Any) -> None:
        """Take one step down the gradient of the loss."""
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()

    def before_epoch(self, epoch: int, n_epochs: int) -> None:
        """Do what precedes an epoch; epochs count from 0."""

    @abstractmethod
    def network(self) -> dict[str, Any]:
        """Give what prediction needs, by attribute of the estimator, as copies in NumPy."""


def import_torch() -> Any:
    """Import PyTorch, or say how to get it."""
    try:
        return importlib.import_module("torch")
    except ImportError as error:
        raise ImportError(f"this baseline trains with PyTorch: pip install 'bitlocal[baselines]' ({error})") from error


@contextmanager
def torch_threads(torch: Any, n: int) -> Iterator[None]:
    """Let PyTorch use n threads, and as many as before afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(n)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class TorchClassifier(ClassifierMixin, BaseEstimator):
    """A classifier that trains with PyTorch and predicts with NumPy. Subclasses define the network."""

    feature_names_in_: NDArray[np.object_]
    hidden_layer_sizes: tuple[int, ...] | int
    batch_size: int
    max_iter: int
    encoder: Any
    early_stopping: bool
    validation_fraction: float | None
    n_iter_no_change: int
    tol: float
    random_state: Any
    n_jobs: int | None
    verbose: bool

    _needs_bits = False
    _smallest_batch = 1

    # Subclasses define ---------------------------------------------------------------------------------------------

    @abstractmethod
    def _learner(self, torch: Any, n_inputs: int, generator: Any) -> Learner:
        """Make the network, with its initial weights drawn from the generator."""

    @abstractmethod
    def _logits_of(self, x: NDArray[Any]) -> NDArray[np.float64]:
        """Compute logits from inputs, by what `Learner.network` gave."""

    # Training ------------------------------------------------------------------------------------------------------

    def fit(self, X: ArrayLike | PackedBits, y: ArrayLike) -> Any:
        """Train on X, y; what was learnt before is forgotten.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), DataFrame, or PackedBits
            Training data.
        y : array-like of shape (n_samples,)
            Class labels, of any type; at least two classes.

        Returns
        -------
        self

        Raises
        ------
        ImportError
            If PyTorch is not installed.
        ValueError
            If a parameter or the data cannot be used; the message says what was expected.
        """
        self._check_parameters()
        data, target = self._validate(X, y)
        self.classes_, labels = np.unique(target, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y has 1 class, {self.classes_[0]!r}: a classifier needs at least 2 classes to learn")
        torch = import_torch()
        rest = held_out = None
        seed = self._seed()
        fraction = self.validation_fraction
        if fraction is None and self.early_stopping:
            fraction = 0.1
        if fraction:
            rest, held_out = hold_out(labels, fraction, seed=seed)
        inputs = self._fit_inputs(data, labels)
        with torch_threads(torch, effective_n_jobs(self.n_jobs)):
            if rest is None or held_out is None:
                self._train(torch, seed, inputs, labels, None)
            else:
                self._train(torch, seed, inputs[rest], labels[rest], (inputs[held_out], labels[held_out]))
        return self

    def _train(
        self,
        torch: Any,
        seed: int,
        inputs: NDArray[Any],
        labels: NDArray[np.intp],
        validation: tuple[NDArray[Any], NDArray[np.intp]] | None,
    ) -> None:
        generator = torch.Generator().manual_seed(seed % 2**63)
        learner = self._learner(torch, inputs.shape[1], generator)
        X, y = torch.from_numpy(inputs), torch.from_numpy(labels.astype(np.int64))
        self.history_: list[BaselineRecord] = []
        self.n_iter_ = 0
        best, waited, kept = -1.0, 0, None
        for epoch in range(int(self.max_iter)):
            start = time.perf_counter()
            learner.before_epoch(epoch, int(self.max_iter))
            loss, correct, n_batches = self._epoch(torch, learner, X, y, generator)
            seconds = time.perf_counter() - start
            self.__dict__.update(learner.network())
            accuracy = None
            if validation is not None:
                accuracy = float((self._winners(validation[0]) == validation[1]).mean())
            self.n_iter_ += 1
            record = BaselineRecord(epoch + 1, len(y), n_batches, loss, correct / len(y), accuracy, seconds)
            self.history_.append(record)
            if self.verbose:
                print(_describe(record, int(self.max_iter)))
            if self.early_stopping and accuracy is not None:
                waited = 0 if accuracy > best + self.tol else waited + 1
                if accuracy > best:
                    best, kept = accuracy, learner.network()
                if waited == self.n_iter_no_change:
                    break
        if kept is not None:
            self.__dict__.update(kept)

    def _epoch(self, torch: Any, learner: Learner, X: Any, y: Any, generator: Any) -> tuple[float, int, int]:
        """Present every sample once; give the mean loss, correct predictions and mini-batches."""
        losses, correct, n_batches = 0.0, 0, 0
        order = torch.randperm(len(y), generator=generator)
        batches = list(order.split(int(self.batch_size)))
        if len(batches) > 1 and len(batches[-1]) < self._smallest_batch:
            batches[-2:] = [torch.cat(batches[-2:])]
        for rows in batches:
            target = y.index_select(0, rows)
            logits = learner.forward(X.index_select(0, rows).to(torch.float32))
            loss = torch.nn.functional.cross_entropy(logits, target)
            learner.step(loss)
            losses += loss.item() * len(rows)
            correct += int((logits.detach().argmax(1) == target).sum())
            n_batches += 1
        return losses / len(y), correct, n_batches

    # Inference -----------------------------------------------------------------------------------------------------

    def predict(self, X: ArrayLike | PackedBits) -> NDArray[Any]:
        """Predict class labels.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), DataFrame, or PackedBits

        Returns
        -------
        ndarray of shape (n_samples,)
            The class with the largest logit; ties go to the first in `classes_`.
        """
        winners = self._logits(X).argmax(axis=1)
        labels: NDArray[Any] = self.classes_[winners]
        return labels

    def decision_function(self, X: ArrayLike | PackedBits) -> NDArray[np.float64]:
        """Compute the logits.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), DataFrame, or PackedBits

        Returns
        -------
        ndarray of float64, shape (n_samples, n_classes), or (n_samples,) for two classes
            With two classes, the second logit less the first.
        """
        logits = self._logits(X)
        return logits[:, 1] - logits[:, 0] if logits.shape[1] == 2 else logits

    def predict_proba(self, X: ArrayLike | PackedBits) -> NDArray[np.float64]:
        """Compute the probabilities that cross-entropy trains: the softmax of the logits.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), DataFrame, or PackedBits

        Returns
        -------
        ndarray of float64, shape (n_samples, n_classes)
        """
        logits = self._logits(X)
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        probabilities: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
        return probabilities

    def _logits(self, X: ArrayLike | PackedBits) -> NDArray[np.float64]:
        check_is_fitted(self, "n_iter_")
        data: Any = X
        if not isinstance(X, PackedBits) and not takes_raw_samples(self.encoder_):
            data = validate_data(self, X, dtype="numeric", ensure_all_finite=self._finite(), reset=False)
        return self._in_parts(self._inputs(data))

    def _in_parts(self, inputs: NDArray[Any]) -> NDArray[np.float64]:
        parts = [
            self._logits_of(inputs[first : first + _ROWS_AT_ONCE]) for first in range(0, len(inputs), _ROWS_AT_ONCE)
        ]
        return np.concatenate(parts)

    def _winners(self, inputs: NDArray[Any]) -> NDArray[np.intp]:
        winners: NDArray[np.intp] = self._in_parts(inputs).argmax(axis=1)
        return winners

    # Data ----------------------------------------------------------------------------------------------------------

    def _finite(self) -> bool | str:
        """Allow missing values where an encoder knows them."""
        return "allow-nan" if self.encoder is not None else True

    def _validate(self, X: ArrayLike | PackedBits, y: ArrayLike) -> tuple[Any, NDArray[Any]]:
        data: Any = X
        target: NDArray[Any]
        if isinstance(X, PackedBits) or takes_raw(self.encoder, X):
            if y is None:
                raise ValueError("requires y to be passed, but the target y is None")
            target = column_or_1d(y, warn=True)
            check_consistent_length(data, target)
            if len(target) == 0:
                raise ValueError("found no samples: at least one is needed")
            if hasattr(self, "feature_names_in_"):
                del self.feature_names_in_
            if isinstance(X, PackedBits):
                self.n_features_in_ = X.n_bits
        else:
            data, target = validate_data(self, X, y, dtype="numeric", ensure_all_finite=self._finite())
        check_classification_targets(target)
        return data, target

    def _fit_inputs(self, data: Any, labels: NDArray[np.intp]) -> NDArray[Any]:
        """Fit the encoder, or the scaling, and apply it."""
        encoder = choose_encoder(self.encoder, data)
        self.encoder_: Any = None if encoder is None else encoder.fit(data, labels)
        self._scaler: Scaler | None = None
        if encoder is None and not self._needs_bits and not isinstance(data, PackedBits) and data.dtype != np.bool_:
            self._scaler = Scaler(data)
        if takes_raw_samples(encoder):
            first = parts_of(encoder)[0] if is_union(encoder) else encoder
            self.n_features_in_ = first.n_features_in_
            names = getattr(first, "feature_names_in_", None)
            if names is not None:
                self.feature_names_in_ = names
        self._width: int | None = None
        inputs = self._inputs(data)
        self._width = inputs.shape[1]
        if self._width == 0:
            raise ValueError("the samples have no bits to tell them apart by: every feature is constant")
        return inputs

    def _inputs(self, data: Any) -> NDArray[Any]:
        """Turn validated samples into what the first layer reads: float32, or -1 and +1 as int8."""
        if isinstance(data, PackedBits):
            if self._width is not None and data.n_bits != self._width:
                raise ValueError(f"expected packed rows of {self._width} bits, as in fit, got {data.n_bits}")
            return signs(data)
        if self.encoder_ is not None:
            return encode(self.encoder_, data)
        if self._scaler is not None:
            return self._scaler(data)
        return signs(data, "the data were taken as bits in fit, so")

    # Parameters ----------------------------------------------------------------------------------------------------

    def _layer_sizes(self) -> tuple[int, ...]:
        return tuple(int(size) for size in np.atleast_1d(np.asarray(self.hidden_layer_sizes)))

    def _seed(self) -> int:
        if _is_whole(self.random_state):
            return int(self.random_state)
        return int(check_random_state(self.random_state).randint(2**31))

    def _check_parameters(self) -> None:
        sizes: Sequence[Any] = list(np.atleast_1d(np.asarray(self.hidden_layer_sizes, dtype=object)))
        if len(sizes) == 0:
            raise ValueError("hidden_layer_sizes is empty: expected at least one layer, as in (1035,)")
        for size in sizes:
            require_whole("hidden_layer_sizes", size, 1)
        require_whole("batch_size", self.batch_size, 1)
        require_whole("max_iter", self.max_iter, 1)
        require_whole("n_iter_no_change", self.n_iter_no_change, 1)
        require_number("tol", self.tol, 0, 1)
        if not isinstance(self.early_stopping, (bool, np.bool_)):
            raise ValueError(f"early_stopping={self.early_stopping!r}: expected True or False")
        if self.validation_fraction is not None:
            require_number("validation_fraction", self.validation_fraction, 0, 1)
            if self.validation_fraction in (0, 1):
                raise ValueError(
                    f"validation_fraction={self.validation_fraction!r}: expected a number between 0 and 1, or None"
                )
        seeded = _is_whole(self.random_state) and 0 <= self.random_state < 2**64
        if not seeded and self.random_state is not None and not isinstance(self.random_state, np.random.RandomState):
            raise ValueError(
                f"random_state={self.random_state!r}: expected a whole number from 0 to 2**64 - 1, a RandomState "
                "or None"
            )
        if self.n_jobs is not None and (not _is_whole(self.n_jobs) or self.n_jobs == 0):
            raise ValueError(f"n_jobs={self.n_jobs!r}: expected a whole number other than 0, or None")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = self.encoder is not None
        return tags


def _describe(record: BaselineRecord, n_epochs: int) -> str:
    validation = "" if record.validation_accuracy is None else f"  validation accuracy {record.validation_accuracy:.4f}"
    return (
        f"epoch {record.epoch}/{n_epochs}  loss {record.loss:.4f}  train accuracy {record.train_accuracy:.4f}"
        f"{validation}  {record.seconds:.2f} s"
    )


def _is_whole(value: Any) -> bool:
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def require_whole(name: str, value: Any, low: int) -> None:
    """Complain unless the parameter is a whole number of at least `low`."""
    if not _is_whole(value) or value < low:
        raise ValueError(f"{name}={value!r}: expected a whole number of at least {low}")


def require_number(name: str, value: Any, low: float, high: float | None = None) -> None:
    """Complain unless the parameter is a finite number within the limits."""
    number = isinstance(value, numbers.Real) and not isinstance(value, (bool, np.bool_))
    if not number or not math.isfinite(value) or value < low or (high is not None and value > high):
        limits = f"of at least {low:g}" if high is None else f"from {low:g} to {high:g}"
        raise ValueError(f"{name}={value!r}: expected a number {limits}")

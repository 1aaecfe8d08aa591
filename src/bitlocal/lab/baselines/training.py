"""What the baselines that train with PyTorch share: scikit-learn's conventions, epochs, validation, early stopping."""

from __future__ import annotations

import importlib
import time
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from joblib import effective_n_jobs
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from bitlocal.bits import PackedBits
from bitlocal.lab.baselines.inputs import Scaler, signs
from bitlocal.samples import encode, fit_encoder, read, read_training
from bitlocal.spec.constraints import Constraint, LayerSizes, Whole
from bitlocal.spec.parameters import PARAMETERS, draw_seed
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
        data, target = read_training(self, X, y, finite=self._finite())
        self.classes_, labels = np.unique(target, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y has 1 class, {self.classes_[0]!r}: a classifier needs at least 2 classes to learn")
        torch = import_torch()
        rest = held_out = None
        seed = draw_seed(self.random_state)
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
        return self._in_parts(self._inputs(read(self, X, finite=self._finite())))

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

    def _fit_inputs(self, data: Any, labels: NDArray[np.intp]) -> NDArray[Any]:
        """Fit the encoder, or the scaling, and apply it."""
        self.encoder_: Any = fit_encoder(self, data, labels, self.encoder)
        self._scaler: Scaler | None = None
        numbers = self.encoder_ is None and not isinstance(data, PackedBits) and data.dtype != np.bool_
        if numbers and not self._needs_bits:
            self._scaler = Scaler(data)
        self._width: int | None = None
        inputs = self._inputs(data)
        self._width = inputs.shape[1]
        return inputs

    def _inputs(self, data: Any) -> NDArray[Any]:
        """Turn validated samples into what the first layer reads: float32, or -1 and +1 as int8."""
        if self._scaler is not None and not isinstance(data, PackedBits):
            return self._scaler(data)
        return signs(encode(self.encoder_, data, self._width))

    # Parameters ----------------------------------------------------------------------------------------------------

    def _check_parameters(self) -> None:
        for name, constraint in self._constraints().items():
            constraint.check(name, getattr(self, name))

    def _constraints(self) -> dict[str, Constraint]:
        """Give what values each parameter takes: those that the classifier has too, and more in subclasses."""
        shared = ("early_stopping", "validation_fraction", "n_iter_no_change", "tol", "random_state", "n_jobs")
        return {
            "hidden_layer_sizes": LayerSizes(),
            "batch_size": Whole(1),
            "max_iter": Whole(1),
            **{name: PARAMETERS[name].constraint for name in shared},
        }

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = tags.input_tags.sparse = self.encoder is not None
        return tags


def _describe(record: BaselineRecord, n_epochs: int) -> str:
    validation = "" if record.validation_accuracy is None else f"  validation accuracy {record.validation_accuracy:.4f}"
    return (
        f"epoch {record.epoch}/{n_epochs}  loss {record.loss:.4f}  train accuracy {record.train_accuracy:.4f}"
        f"{validation}  {record.seconds:.2f} s"
    )

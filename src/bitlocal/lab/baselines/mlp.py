"""A multi-layer perceptron in floating point, trained by back-propagation."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitlocal.constraints import Between, Constraint, Optional
from bitlocal.lab.baselines.training import Learner, TorchClassifier
from bitlocal.parameters import layer_sizes

_SOLVERS = {"adam": 1e-3, "sgd": 0.05}
"""The solvers, and the learning rate of each unless another one is asked for."""


class FloatMLPClassifier(TorchClassifier):
    """Multi-layer perceptron in float32: ReLU, no biases, cross-entropy, SGD with momentum or Adam.

    It has the same layers as a `BMLPClassifier` with the same `hidden_layer_sizes`, and a trained last layer. It trains
    with PyTorch (`pip install 'bitlocal[baselines]'`) and predicts with NumPy. On one machine, the same `random_state`
    gives the same network for the same `n_jobs`.

    Parameters
    ----------
    hidden_layer_sizes : tuple of int or int, default=(1035,)
        Neurons in each hidden layer.
    solver : {"adam", "sgd"}, default="adam"
        Adam, or stochastic gradient descent with momentum.
    learning_rate : float or None, default=None
        Step size. None for 0.001 with Adam and 0.05 with SGD.
    momentum : float, default=0.9
        Momentum of SGD; Adam does not use it. From 0 to 1.
    weight_decay : float, default=0.0
        Factor of the squared weights that is added to the loss.
    batch_size : int, default=100
        Samples in a mini-batch.
    max_iter : int, default=20
        Epochs.
    encoder : str, transformer or None, default=None
        None takes numbers as they are, with mean 0 and standard deviation 1 over the training data: one mean and one
        deviation for all columns of uint8 (pixels), one for each column of any other type. Booleans and `PackedBits`
        are -1 and +1. Anything else is as in `BMLPClassifier`, "auto" included: the bits that it gives are -1 and +1.
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
    random_state : int, RandomState instance or None, default=None
        Seed of the initial weights, the order of samples and the held-out part. An int from 0 to 2**64 - 1 makes
        results reproducible.
    n_jobs : int or None, default=None
        Threads of PyTorch in training; None for 1 and -1 for all processors.
    verbose : bool, default=False
        Whether to print a line for each epoch.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels.
    n_features_in_ : int
        Features seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where `fit` got a DataFrame with string column names.
    encoder_ : transformer or None
        The fitted encoder.
    weights_ : list of ndarray of float32, each of shape (outputs, inputs)
        Weights of the hidden layers and of the last one.
    n_iter_ : int
        Epochs of the last `fit`.
    history_ : list of BaselineRecord
        For each epoch: loss, training accuracy, validation accuracy, seconds.

    References
    ----------
    D. Kingma, J. Ba, "Adam: A Method for Stochastic Optimization", arXiv:1412.6980.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.model_selection import train_test_split
    >>> from bitlocal.lab.baselines import FloatMLPClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    >>> clf = FloatMLPClassifier(solver="sgd", random_state=0)
    >>> clf.fit(X_train, y_train).score(X_test, y_test) > 0.95  # doctest: +SKIP
    True
    """

    def __init__(
        self,
        hidden_layer_sizes: tuple[int, ...] | int = (1035,),
        *,
        solver: str = "adam",
        learning_rate: float | None = None,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
        batch_size: int = 100,
        max_iter: int = 20,
        encoder: Any = None,
        early_stopping: bool = False,
        validation_fraction: float | None = None,
        n_iter_no_change: int = 10,
        tol: float = 0.0,
        random_state: Any = None,
        n_jobs: int | None = None,
        verbose: bool = False,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.solver = solver
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.encoder = encoder
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose

    def _learner(self, torch: Any, n_inputs: int, generator: Any) -> Learner:
        sizes = (n_inputs, *layer_sizes(self.hidden_layer_sizes), len(self.classes_))
        rate = _SOLVERS[self.solver] if self.learning_rate is None else float(self.learning_rate)
        return _Perceptron(torch, sizes, generator, self.solver, rate, float(self.momentum), float(self.weight_decay))

    def _logits_of(self, x: NDArray[Any]) -> NDArray[np.float64]:
        # In double precision: in single, the last digits of a sample's logits depend on the samples beside it.
        x = x.astype(np.float64)
        for w in self.weights_[:-1]:
            x = np.maximum(x @ w.T, 0)
        logits: NDArray[np.float64] = x @ self.weights_[-1].T
        return logits

    def _check_parameters(self) -> None:
        super()._check_parameters()
        if self.solver not in _SOLVERS:
            raise ValueError(f"solver={self.solver!r}: expected 'adam' or 'sgd'")

    def _constraints(self) -> dict[str, Constraint]:
        return {
            **super()._constraints(),
            "learning_rate": Optional(Between(0, None)),
            "momentum": Between(0, 1),
            "weight_decay": Between(0, None),
        }


class _Perceptron(Learner):
    def __init__(
        self,
        torch: Any,
        sizes: tuple[int, ...],
        generator: Any,
        solver: str,
        learning_rate: float,
        momentum: float,
        weight_decay: float,
    ) -> None:
        self.torch = torch
        self.weights = []
        for n_inputs, n_outputs in pairwise(sizes):
            bound = 1 / math.sqrt(n_inputs)  # what torch.nn.Linear does, but from a generator of our own
            w = torch.empty(n_outputs, n_inputs).uniform_(-bound, bound, generator=generator)
            self.weights.append(w.requires_grad_())
        # The fused versions are the fastest on a processor.
        if solver == "adam":
            self.optimiser = torch.optim.Adam(self.weights, lr=learning_rate, weight_decay=weight_decay, fused=True)
        else:
            self.optimiser = torch.optim.SGD(
                self.weights, lr=learning_rate, momentum=momentum, weight_decay=weight_decay, fused=True
            )

    def forward(self, x: Any) -> Any:
        linear = self.torch.nn.functional.linear
        for w in self.weights[:-1]:
            x = linear(x, w).relu_()
        return linear(x, self.weights[-1])

    def network(self) -> dict[str, Any]:
        return {"weights_": [w.detach().numpy().copy() for w in self.weights]}

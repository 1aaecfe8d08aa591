"""A binary network trained in floating point, by straight-through estimation."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitlocal.constraints import Between, Constraint, Whole
from bitlocal.lab.baselines.training import Learner, TorchClassifier
from bitlocal.parameters import layer_sizes


class StraightThroughClassifier(TorchClassifier):
    """Multi-layer network with binary weights and activations, trained by straight-through estimation in float32.

    The usual recipe. Every weight, those of the last layer included, has a latent float32 weight, drawn evenly from
    -1 to 1; the network computes with its sign. Batch normalisation follows each layer, before the sign and before the
    cross-entropy. Backward, the sign lets a gradient through as it is where its argument lies within [-1, 1], and stops
    it elsewhere. Adam steps, with a step size that falls linearly to 0 over `max_iter` epochs; after each step the
    latent weights are clipped to [-1, 1].

    After training, batch normalisation becomes an integer threshold for each hidden neuron, and a factor and a summand
    for each class, so that prediction has binary weights and activations alone. Training needs PyTorch
    (`pip install 'bitlocal[baselines]'`), prediction only NumPy. On one machine, the same `random_state` gives the same
    network for the same `n_jobs`.

    Parameters
    ----------
    hidden_layer_sizes : tuple of int or int, default=(1035,)
        Neurons in each hidden layer.
    learning_rate : float, default=0.01
        Step size of Adam in the first epoch.
    batch_size : int, default=100
        Samples in a mini-batch, at least 2. A last mini-batch of 1 sample joins the one before it.
    max_iter : int, default=20
        Epochs.
    encoder : str, transformer or None, default="auto"
        How samples become bits, as in `BMLPClassifier`; `PackedBits` are taken as they are.
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
        The fitted encoder; None where the data are bits.
    weights_ : list of ndarray of int8, each of shape (outputs, inputs)
        Weights of the hidden layers and of the last one, -1 or +1.
    thresholds_, directions_ : list of ndarray of int32, each of shape (neurons,)
        A neuron of a hidden layer is +1 where direction * pre-activation >= threshold, and -1 elsewhere.
    scale_, shift_ : ndarray of float32, shape (n_classes,)
        Logits are scale * pre-activation + shift.
    n_iter_ : int
        Epochs of the last `fit`.
    history_ : list of BaselineRecord
        For each epoch: loss, training accuracy, validation accuracy, seconds.

    References
    ----------
    M. Courbariaux, I. Hubara, D. Soudry, R. El-Yaniv, Y. Bengio, "Binarized Neural Networks: Training Deep Neural
    Networks with Weights and Activations Constrained to +1 or -1", arXiv:1602.02830.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.model_selection import train_test_split
    >>> from bitlocal.lab.baselines import StraightThroughClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    >>> clf = StraightThroughClassifier(random_state=0)
    >>> clf.fit(X_train, y_train).score(X_test, y_test) > 0.95  # doctest: +SKIP
    True
    """

    _needs_bits = True
    _smallest_batch = 2  # batch normalisation needs a deviation

    def __init__(
        self,
        hidden_layer_sizes: tuple[int, ...] | int = (1035,),
        *,
        learning_rate: float = 0.01,
        batch_size: int = 100,
        max_iter: int = 20,
        encoder: Any = "auto",
        early_stopping: bool = False,
        validation_fraction: float | None = None,
        n_iter_no_change: int = 10,
        tol: float = 0.0,
        random_state: Any = None,
        n_jobs: int | None = None,
        verbose: bool = False,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.learning_rate = learning_rate
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
        return _LatentNetwork(torch, sizes, generator, self.learning_rate)

    def _logits_of(self, x: NDArray[Any]) -> NDArray[np.float64]:
        # Sums of -1 and +1 are exact in float32 up to 2**24 terms, and there they are the fastest in NumPy.
        x = x.astype(np.float32)
        hidden = zip(self.weights_[:-1], self.directions_, self.thresholds_, strict=True)
        for w, direction, threshold in hidden:
            fires = direction * (x @ w.astype(np.float32).T) >= threshold
            x = np.where(fires, np.float32(1), np.float32(-1))
        z = x @ self.weights_[-1].astype(np.float32).T
        logits: NDArray[np.float64] = self.scale_.astype(np.float64) * z + self.shift_
        return logits

    def _constraints(self) -> dict[str, Constraint]:
        return {
            **super()._constraints(),
            "batch_size": Whole(self._smallest_batch),
            "learning_rate": Between(0, None),
        }


class _LatentNetwork(Learner):
    def __init__(self, torch: Any, sizes: tuple[int, ...], generator: Any, learning_rate: float) -> None:
        self.torch = torch
        self.learning_rate = learning_rate
        self.sign = _make_sign(torch)
        self.one = torch.ones(())
        self.latent = [
            torch.empty(n_outputs, n_inputs).uniform_(-1, 1, generator=generator)
            for n_inputs, n_outputs in pairwise(sizes)
        ]
        self.binary: list[Any] = []
        self.norms = [torch.nn.BatchNorm1d(n_outputs) for n_outputs in sizes[1:]]
        parameters = [*self.latent, *(p for norm in self.norms for p in norm.parameters())]
        self.optimiser = torch.optim.Adam(parameters, lr=learning_rate, fused=True)

    def before_epoch(self, epoch: int, n_epochs: int) -> None:
        for group in self.optimiser.param_groups:
            group["lr"] = self.learning_rate * (1 - epoch / n_epochs)

    def forward(self, x: Any) -> Any:
        # The signs are leaves of their own: within [-1, 1], latent weights have the gradients of their signs.
        self.binary = [self._signs(w).requires_grad_() for w in self.latent]
        for w, norm in zip(self.binary, self.norms, strict=True):
            x = norm(self.torch.nn.functional.linear(x, w))
            if w is not self.binary[-1]:
                x = self.sign.apply(x)
        return x

    def step(self, loss: Any) -> None:
        self.optimiser.zero_grad()
        loss.backward()
        for latent, binary in zip(self.latent, self.binary, strict=True):
            latent.grad = binary.grad
        self.optimiser.step()
        for latent in self.latent:
            latent.clamp_(-1, 1)

    def network(self) -> dict[str, Any]:
        weights = [self._signs(w).numpy().astype(np.int8) for w in self.latent]
        folded = [_fold(norm) for norm in self.norms]
        hidden = [_threshold(*fold, w.shape[1]) for fold, w in zip(folded[:-1], weights[:-1], strict=True)]
        scale, shift = folded[-1]
        return {
            "weights_": weights,
            "directions_": [direction for direction, _ in hidden],
            "thresholds_": [threshold for _, threshold in hidden],
            "scale_": scale.astype(np.float32),
            "shift_": shift.astype(np.float32),
        }

    def _signs(self, w: Any) -> Any:
        return self.torch.copysign(self.one, w)  # several times as fast as `where`


def _fold(norm: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give the factor and the summand that batch normalisation comes to after training."""
    names = (norm.weight, norm.bias, norm.running_mean, norm.running_var)
    weight, bias, mean, variance = (t.detach().numpy().astype(np.float64) for t in names)
    factor = weight / np.sqrt(variance + norm.eps)
    return factor, bias - factor * mean


def _threshold(
    factor: NDArray[np.float64], summand: NDArray[np.float64], n_inputs: int
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Turn factor * z + summand >= 0 into direction * z >= threshold, for whole z from -n_inputs to n_inputs."""
    direction = np.where(factor < 0, -1, 1)
    slope = np.abs(factor)
    constant = np.where(summand >= 0, -np.inf, np.inf)  # always, or never
    with np.errstate(over="ignore"):  # never, or always, as well
        bound = np.divide(-summand, slope, out=constant, where=slope > 0)
    threshold = np.clip(np.ceil(bound), -n_inputs, n_inputs + 1)
    return direction.astype(np.int32), threshold.astype(np.int32)


def _make_sign(torch: Any) -> Any:
    """Define the sign for automatic differentiation, once PyTorch is there."""
    one = torch.ones(())

    class Sign(torch.autograd.Function):
        """Sign forward; backward, the identity within [-1, 1] and nothing elsewhere."""

        @staticmethod
        def forward(context: Any, x: Any) -> Any:
            context.save_for_backward(x)
            return torch.copysign(one, x)

        @staticmethod
        def backward(context: Any, gradient: Any) -> Any:
            (x,) = context.saved_tensors
            return gradient * (x.abs() <= 1)

    return Sign

"""Where the data of a model come from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TrainingData:
    """Which data a model was trained on, so that the same part of them can be held out again.

    Attributes
    ----------
    name : str
        Name of the data set or file.
    fingerprint : str
        Digest of features and labels.
    target : str or None
        Name of the target column.
    test_fraction : float
        Share that was held out for testing; 0 if the data have a test split of their own, or none was held out.
    split_seed : int
        Seed of that split.
    feature_names : tuple of str or None
        Names of the columns, to match those of other tables.
    image_shape : tuple of int or None
        Shape of the images, if they were files: others are brought to its channels.
    resized : bool
        Whether they were brought to that size, so that others are, too.
    """

    name: str
    fingerprint: str
    target: str | None = None
    test_fraction: float = 0.0
    split_seed: int = 0
    feature_names: tuple[str, ...] | None = None
    image_shape: tuple[int, ...] | None = None
    resized: bool = False

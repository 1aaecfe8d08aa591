"""How the golden record sums things up."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from bitlocal import export
from golden.cases import CASES, EXPORTS

FOLDER = Path(__file__).parent


def _sha256(*parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.hexdigest()


def classifier_digests(classifier: Any, X: Any) -> dict[str, str]:
    """Sum up the hidden weights, and the logits of the training data."""
    logits = classifier.logits(X)
    if logits.shape[1] == 2:  # as releases summed them up
        logits = logits[:, 1] - logits[:, 0]
    logits = np.ascontiguousarray(logits, dtype="<i4")
    return {"hidden_sha256": classifier.network_.hidden_sha256(), "logits_sha256": _sha256(logits.tobytes())}


def export_digest(name: str) -> str:
    """Sum up all files of an export, with their names."""
    of, options = EXPORTS[name]
    with tempfile.TemporaryDirectory() as folder:
        paths = sorted(export.c(CASES[of].fitted(1), folder, **options))
        parts = [(path.relative_to(folder).as_posix().encode(), path.read_bytes()) for path in paths]
    return _sha256(*(part for pair in parts for part in pair))


def export_digests() -> dict[str, str]:
    """Sum up every export."""
    return {name: export_digest(name) for name in EXPORTS}


def predictions(classifier: Any, X: Any) -> list[Any]:
    """Give the predicted labels, for JSON."""
    labels: list[Any] = classifier.predict(X).tolist()
    return labels

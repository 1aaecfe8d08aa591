"""What a release computed stays: weights, logits, exported C and model files, compared with a committed record.

`tests/reference.py` follows the definition of the rule; a change made in both places at once would pass there, but not
here. The record changes with a version and a reason alone (tests/golden/record.py).
"""

from __future__ import annotations

import json

import pytest
from safetensors import safe_open

import bitlocal
from golden.cases import CASES, EXPORTS, MODELS
from golden.digests import FOLDER, classifier_digests, export_digest, predictions

RECORD = json.loads((FOLDER / "digests.json").read_text())
PREDICTIONS = json.loads((FOLDER / "predictions.json").read_text())


def test_record_is_complete():
    assert set(RECORD["networks"]) == set(CASES)
    assert set(RECORD["exports"]) == set(EXPORTS)
    assert set(PREDICTIONS) == set(MODELS) == {path.stem for path in (FOLDER / "models").iterdir()}


@pytest.mark.parametrize("name", CASES)
def test_networks(name):
    case = CASES[name]
    n_jobs = 1 + len(name) % 3  # the number of threads never matters
    assert classifier_digests(case.fitted(n_jobs), case.data[0]) == RECORD["networks"][name]


@pytest.mark.parametrize("name", EXPORTS)
def test_exports(name):
    assert export_digest(name) == RECORD["exports"][name]


@pytest.mark.parametrize("name", MODELS)
def test_model_files(name, tmp_path):
    of, inference_only = MODELS[name]
    path = FOLDER / "models" / f"{name}.safetensors"
    classifier = bitlocal.load(path)
    assert predictions(classifier, CASES[of].data[0]) == PREDICTIONS[name]
    if not inference_only:
        assert classifier.network_.hidden_sha256() == RECORD["networks"][of]["hidden_sha256"]
    # Saved again, it is the same file but for the order of the metadata, which safetensors leaves to chance.
    again = tmp_path / "again.safetensors"
    bitlocal.save(classifier, again, inference_only=inference_only)
    assert again.stat().st_size == path.stat().st_size
    assert metadata(again) == metadata(path)


def metadata(path):
    """The header, and a digest of it and of all tensors."""
    with safe_open(path, framework="numpy") as file:
        return file.metadata()

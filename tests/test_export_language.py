"""A language in one file: it reads what `export/model.py` gives, and the kinds of stages that it can write.

It writes Python that infers without the package, or any other. The next language begins like this.
"""

from __future__ import annotations

import pytest

from bitlocal import BMLPClassifier, MedianBinarizer
from bitlocal.bits import PackedBits, unpack
from bitlocal.encoders.program import Columns, Program
from bitlocal.export import ExportError, model
from golden.cases import CASES

HEAD = '''\
"""{n_features} features, {n_bits} bits, {n_classes} classes."""
def sign(z): return z >= 0
def product(row, n, bits): return n - 2 * (row ^ bits).bit_count()
def fire(rows, n, bits): return sum(sign(product(row, n, bits)) << k for k, row in enumerate(rows))
'''


def rows(packed: PackedBits) -> list[int]:
    """Each row as one whole number."""
    return [sum(1 << i for i, bit in enumerate(row) if bit) for row in unpack(packed).tolist()]


def of_columns(stage) -> list[str]:
    bits = []
    for column in range(stage.thresholds.n):
        bits += [f"f[{column}] > {threshold!r}" for threshold in stage.thresholds.of(column).tolist()]
        bits += [f"f[{column}] != f[{column}]"] * int(stage.thresholds.missing[column])
    return bits


WRITERS = {Columns: of_columns}


def encoding(program: Program | None) -> str:
    """Write features to bits, as one whole number."""
    if program is None:
        return "    bits = sum((feature > 0) << i for i, feature in enumerate(f))"
    kinds = [type(getattr(stage, "quantities", stage)) for stage in program.stages]
    for kind in kinds:
        if kind not in WRITERS:
            raise ExportError(f"{kind.__name__} has no form in this language")
    bits = [bit for kind, stage in zip(kinds, program.stages, strict=True) for bit in WRITERS[kind](stage)]
    return f"    bits = sum(bit << i for i, bit in enumerate([{', '.join(bits)}]))"


def python(found: model.ExportModel) -> str:
    """Write a program with a function `predict`, which takes the features of a sample."""
    lines = [HEAD.format(n_features=found.n_features, n_bits=found.n_bits, n_classes=found.n_classes)]
    lines += ["def predict(f):", encoding(found.program)]
    for layer in found.layers:
        lines.append(f"    bits = fire({rows(layer.weights)}, {layer.n_inputs}, bits)")
    last = found.layers[-1]
    lines.append(f"    logits = [product(row, {last.n_neurons}, bits) for row in {rows(last.local_classifier)}]")
    lines.append(f"    return {list(found.classes)}[logits.index(max(logits))]")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    "name",
    [
        "one neuron",
        "three layers",
        "65 inputs",
        "131 neurons",
        "9 classes",
        "trained classifier",
        "frozen first layer",
        "two layers and a single output",
        "encoder: median",
        "encoder: auto with holes",
        "encoder: supervised",
        "encoder: union",
    ],
)
def test_a_language_in_one_file(name):
    case = CASES[name]
    classifier, (X, _) = case.fitted(1), case.data
    found = model.of(classifier)
    program: dict = {}
    exec(python(found), program)
    expected = classifier.predict(X).tolist()
    assert [program["predict"](row) for row in X.tolist()] == expected
    assert [found.classes[c] for c in found.predict(found.encode(X))] == expected


def test_what_it_has_no_writer_for():
    classifier = CASES["encoder: hog"].fitted(1)
    with pytest.raises(ExportError, match="Pixels has no form"):
        python(model.of(classifier))


def test_labels_and_features_are_told():
    classifier = BMLPClassifier((4,), encoder=MedianBinarizer(), max_iter=1, random_state=0)
    found = model.of(classifier.fit([[0.5, 2, 1], [4, 3, 1]] * 5, ["no", "yes"] * 5))
    assert (found.n_features, found.n_bits, found.classes) == (3, 3, ("no", "yes"))
    assert found.learning is None

"""One table of parameters: what comes from it agrees, and specifications go to and fro."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitlocal import BMLPClassifier, SingleLayerClassifier
from bitlocal.spec import Classes, Dense, Pool, Rule, Spec
from bitlocal.spec.parameters import DEFAULTS, PARAMETERS, check, compose, decompose, markdown_table

README = Path(__file__).parents[1] / "README.md"


@pytest.mark.parametrize("kind", [BMLPClassifier, SingleLayerClassifier])
def test_the_classifier_has_these_parameters_and_defaults(kind):
    signature = inspect.signature(kind).parameters
    assert {name: parameter.default for name, parameter in signature.items()} == DEFAULTS
    assert kind().get_params() == DEFAULTS


def test_the_docstring_tells_of_each():
    text = inspect.cleandoc(BMLPClassifier.__doc__)
    section = text[text.index("Parameters\n---") : text.index("Attributes\n---")]
    told = [line.split(" : ")[0] for line in section.splitlines() if " : " in line and not line.startswith(" ")]
    assert told == list(PARAMETERS)
    for name, default in DEFAULTS.items():
        (line,) = (line for line in section.splitlines() if line.startswith(f"{name} : "))
        shown = f'"{default}"' if isinstance(default, str) else str(default)
        assert line.endswith(f"default={shown}")


def test_the_readme_has_the_table():
    assert markdown_table() in README.read_text(encoding="utf-8")


@given(
    st.lists(st.sampled_from([15, 30, 45, 60]), min_size=1, max_size=4),
    st.sampled_from([1, 3, 5, 15]),
    st.fixed_dictionaries(
        {
            "robustness": st.floats(0, 1),
            "reinforcement": st.floats(0, 10),
            "hidden_clip": st.sampled_from([None, 1, 255]),
            "freeze_first": st.booleans(),
            "train_classifier": st.booleans(),
            "single_output": st.booleans(),
            "readout": st.just("votes"),
        }
    ),
    st.integers(0, 2**64 - 1),
)
def test_compose_and_decompose(sizes, group_size, rest, seed):
    learned = {"hidden_layer_sizes": tuple(sizes), "readout": "learned"}
    assert decompose(compose(learned, n_inputs=7, n_classes=2)).items() >= learned.items()
    parameters = {"hidden_layer_sizes": tuple(sizes), "group_size": group_size, **rest}
    for majority in (False, True):
        spec = compose(parameters, n_inputs=7, n_classes=2, seed=seed, majority=majority)
        assert decompose(spec) == {**parameters, "majority": majority}
        assert spec.layer_sizes == (7, *sizes)
        assert [block.n_outputs for block in spec.blocks] == [k // group_size if majority else k for k in sizes]
        assert [block.n_inputs for block in spec.blocks] == [7, *(block.n_outputs for block in spec.blocks[:-1])]
        assert [block.frozen for block in spec.blocks] == [rest["freeze_first"]] + [False] * (len(sizes) - 1)


def test_variants_are_compositions():
    pooled = {"hidden_layer_sizes": 90, "group_size": 9, "robustness": 0.5}
    spec = compose(pooled, n_inputs=5, n_classes=3, majority=True)
    assert spec == Spec(5, (Dense(90, 9), Pool(9)), Classes(3), Rule(robustness=0.5))
    (block,) = spec.blocks
    assert (block.n_outputs, block.margin, spec.fan_ins) == (10, 5, (5,))
    frozen = {"hidden_layer_sizes": (30, 15), "freeze_first": True, "train_classifier": True}
    spec = compose(frozen, n_inputs=5, n_classes=3)
    assert spec.layers == (Dense(30, 15, frozen=True), Dense(15, 15))
    assert spec.fan_ins == (5, 30, 15)
    single = compose({"hidden_layer_sizes": 10, "group_size": 5, "single_output": True}, n_inputs=5, n_classes=2)
    assert single.blocks[0].margin == 2 * 2
    assert Rule(hidden_clip=15).counter_range == (-8, 7)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Spec(3, (), Classes(2)), "expected a Dense first"),
        (lambda: Spec(3, (Pool(3),), Classes(2)), "expected a Dense first"),
        (lambda: Spec(3, (Dense(9, 3), Pool(9)), Classes(2)), "expected a Dense with groups of 9 below"),
        (lambda: Spec(3, (Dense(9, 3), Pool(3), Pool(3)), Classes(2)), "expected a Dense with groups of 3 below"),
        (lambda: Classes(3, single_output=True), "expected 2, got 3"),
    ],
)
def test_impossible_specifications(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_parameters_are_checked_together():
    check({**DEFAULTS, "hidden_layer_sizes": (45, 30)})
    with pytest.raises(ValueError, match="nothing to train"):
        check({**DEFAULTS, "freeze_first": True})
    with pytest.raises(ValueError, match="cannot be combined"):
        check({**DEFAULTS, "single_output": True, "train_classifier": True})
    with pytest.raises(ValueError, match="does not divide the layer of 30 neurons; the nearest that does: 3 and 5"):
        check({**DEFAULTS, "hidden_layer_sizes": (30,), "group_size": 4})

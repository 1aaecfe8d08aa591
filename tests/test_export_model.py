"""What languages read of a classifier, and the dialect of their templates."""

from __future__ import annotations

from dataclasses import replace
from importlib.resources import files

import numpy as np
import pytest

from bitlocal import BMLPClassifier, export
from bitlocal.bits import unpack
from bitlocal.export import model, template
from bitlocal.export.c99.plan import make_plan
from bitlocal.export.errors import ExportError
from bitlocal.network import BinaryNetwork
from golden.cases import CASES


@pytest.fixture(scope="module")
def classifier():
    return CASES["three layers"].fitted(1)


def test_a_model_is_what_the_network_is(classifier):
    network, found = classifier.network_, model.of(classifier, learn=True)
    assert (found.n_bits, found.n_classes, found.batch_size) == (70, 3, 16)
    assert [layer.margin for layer in found.layers] == [block.margin for block in network.spec.blocks]
    assert [layer.reinforcement for layer in found.layers] == network.reinforcement_thresholds()
    assert found.step == network.state.step == 3 * 8
    for i, (layer, h) in enumerate(zip(found.layers, found.learning.counters, strict=True)):
        np.testing.assert_array_equal(unpack(layer.weights), h >= 0)
        np.testing.assert_array_equal(unpack(layer.local_classifier), network.local_classifier(i) > 0)
        assert layer.local_classifier.shape == (found.n_classes, layer.n_neurons)
    assert not found.learning.drawn


def test_what_has_not_learnt_is_drawn(classifier):
    fresh = model.with_learnt(classifier, BinaryNetwork(classifier.network_.spec).snapshot(), 0)
    assert model.of(fresh, learn=True).learning.drawn
    counters = fresh.network_.snapshot()
    counters[1][0, 0] ^= 1
    changed = model.with_learnt(fresh, counters, 0)
    assert not model.of(changed, learn=True).learning.drawn
    assert model.of(fresh, learn=True).learning.drawn  # a copy changed


def test_the_identity_stays_while_learning(classifier):
    before = model.of(classifier, learn=True)
    counters = [h - (h > 0) for h in before.learning.counters]
    after = model.of(model.with_learnt(classifier, counters, 99), learn=True)
    assert (after.step, after.learning.identity) == (99, before.learning.identity)
    other = model.of(CASES["two layers"].fitted(1), learn=True)
    assert other.learning.identity != before.learning.identity


def test_one_group_size_in_c(classifier):
    found = model.of(classifier)
    mixed = replace(found, layers=(replace(found.layers[0], group_size=3), *found.layers[1:]))
    with pytest.raises(ExportError, match=r"groups of \[3, 15\] neurons"):
        make_plan(mixed)


def test_refusals_of_all_languages():
    with pytest.raises(ExportError, match="single-layer"):
        model.of(CASES["majority units"].fitted(1))
    with pytest.raises(ExportError, match="single-layer"):
        export.write_state(CASES["majority units"].fitted(1))
    with pytest.raises(ExportError, match="freeze_first has no form"):
        model.of(CASES["frozen first layer"].fitted(1), learn=True)


# Templates ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def filled(tmp_path, monkeypatch):
    """Fill in a template that is written here."""
    monkeypatch.setattr(template, "files", lambda _: tmp_path)

    def fill(text, piece="", **values):
        template._pieces.cache_clear()
        (tmp_path / "t.c").write_text(text)
        return template.fill("anywhere", "t.c", piece, **values)

    yield fill
    template._pieces.cache_clear()


def test_gaps(filled):
    assert filled("int $net_f(int n) { return n + ${n}u; } // $$n\n", net="a", n=3) == (
        "int a_f(int n) { return n + 3u; } // $n\n"
    )
    assert filled("$NET_$net.$x\n", net="a", NET="A", x="$y") == "A_a.$y\n"
    with pytest.raises(KeyError):
        filled("$net\n")


def test_blocks(filled):
    text = "f() {\n    $body\n}\n"
    assert filled(text, body="") == "f() {\n}\n"
    assert filled(text, body="a;\nif (b) {\n    $c;\n}\n") == "f() {\n    a;\n    if (b) {\n        $c;\n    }\n}\n"
    assert filled(text, body="a;") == "f() {\n    a;\n}\n"
    assert filled("    ${n}\n", n=7) == "    7\n"


def test_pieces(filled):
    text = "/* for readers */\n//: one\n\n$a\n\n//: two words\n  b\n"
    assert filled(text, "one", a="A") == "A\n"
    assert filled(text, "two words") == "  b\n"
    with pytest.raises(KeyError):
        filled(text, "three")


def test_templates_are_installed():
    folder = files("bitlocal.export.c99").joinpath("templates")
    assert {"network", "encoder", "layouts", "learning.c"} <= {path.name for path in folder.iterdir()}


def test_a_prefix_does_not_reach_into_other_names(tmp_path):
    classifier = BMLPClassifier((4,), encoder=None, max_iter=1, random_state=0).fit([[0, 1], [1, 0]] * 5, [0, 1] * 5)
    export.c(classifier, tmp_path, prefix="x", layout="make", learn=True)
    for path in tmp_path.iterdir():
        text = path.read_text()
        assert "bmlp" not in text.lower()
        assert "$net" not in text.lower()

"""The studies: which trainings each one needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import product

from bitlocal.lab.studies.costs import samples_at_equal_memory, ways_to_keep
from bitlocal.lab.studies.plan import Entry, Plan
from bitlocal.lab.studies.running.cells import Cell
from bitlocal.lab.studies.running.data import Facts
from bitlocal.lab.studies.running.methods import LABELS

ONE_LAYER = (1035,)
TWO_LAYERS = (1035, 525)
SHAPES = (ONE_LAYER, TWO_LAYERS)
PLAIN = {"group_size": 15, "robustness": 0.25, "reinforcement": 2.0}
"""Settings of the studies that vary something else; not tuned."""

LEAST_SAMPLES = 5
"""Of each class, on average: with fewer, there is nothing to compare."""

# Pairs of classes that are hard to tell apart: shirts and T-shirts, 4 and 9, cats and dogs.
_PAIRS = {"fashion-mnist": (0, 6), "mnist": (4, 9), "cifar10-features": (3, 5)}


@dataclass(frozen=True)
class Study:
    """A question and the trainings that answer it."""

    name: str
    title: str
    entries: Callable[[Plan], Iterator[Entry]]


def row_name(method: str, hidden: tuple[int, ...], inputs: str = "") -> str:
    """Name a row, as in "BMLP 1035-525"."""
    return f"{LABELS[method]} {'-'.join(map(str, hidden))}" + (f", {inputs}" if inputs else "")


def _main_cell(
    plan: Plan, facts: Facts, method: str, hidden: tuple[int, ...], seed: int, **changes: object
) -> Cell | None:
    """Make the cell of the main table: tuned settings, all samples. Studies that share it run it once."""
    floating = method in ("sgd", "adam") and facts.numeric
    options: dict[str, object] = {"inputs": "float" if floating else "bits", **changes}
    if options["inputs"] == "float":
        options["kept_as"] = ways_to_keep(facts)[0]
    cell = plan.cell(
        facts,
        method,
        hidden,
        seed,
        **options,
        record_weights=method == "bmlp" and seed == plan.seeds[0],
    )
    return plan.tune(facts, cell)


def _entries(cell: Cell | None, facts: Facts, row: str) -> Iterator[Entry]:
    """Give an entry, unless tuning left no settings; the plan has kept the reason then."""
    if cell is not None:
        yield Entry(cell, facts, row)


def _main_rows(plan: Plan, facts: Facts, rows: list[tuple[str, tuple[int, ...]]]) -> Iterator[Entry]:
    for method, hidden in rows:
        if plan.available(method):
            for seed in plan.seeds:
                yield from _entries(_main_cell(plan, facts, method, hidden, seed), facts, row_name(method, hidden))


def main(plan: Plan) -> Iterator[Entry]:
    """All methods."""
    for facts in plan.data:
        yield from _main_rows(
            plan,
            facts,
            [
                ("bmlp", ONE_LAYER),
                ("bmlp", TWO_LAYERS),
                ("single-layer", ONE_LAYER),
                ("sgd", ONE_LAYER),
                ("adam", ONE_LAYER),
                ("straight-through", ONE_LAYER),
            ],
        )


def single_layer(plan: Plan) -> Iterator[Entry]:
    """Multi-layer rule and single-layer method, tuned alike."""
    for facts in plan.data:
        rows = [("bmlp", ONE_LAYER), ("bmlp", TWO_LAYERS), ("single-layer", ONE_LAYER)]
        yield from _main_rows(plan, facts, rows)


def straight_through(plan: Plan) -> Iterator[Entry]:
    """Binary networks trained by gradients of real weights."""
    for facts in plan.data:
        rows = [("bmlp", ONE_LAYER), ("bmlp", TWO_LAYERS), ("straight-through", ONE_LAYER)]
        yield from _main_rows(plan, facts, rows)


def float_inputs(plan: Plan) -> Iterator[Entry]:
    """Full precision on numbers and on the same bits, with the same architecture."""
    for facts in plan.data:
        yield from _main_rows(plan, facts, [("bmlp", ONE_LAYER), ("bmlp", TWO_LAYERS)])
        for method in ("sgd", "adam"):
            if not plan.available(method):
                continue
            if facts.numeric and facts.encoder is not None:
                for seed in plan.seeds:
                    cell = _main_cell(plan, facts, method, ONE_LAYER, seed)
                    yield from _entries(cell, facts, row_name(method, ONE_LAYER, "numbers"))
            for seed in plan.few_seeds:
                bits = "float" if facts.encoder is None else "bits"  # bits are the main table's numbers then
                cell = _main_cell(plan, facts, method, ONE_LAYER, seed, inputs=bits)
                yield from _entries(cell, facts, row_name(method, ONE_LAYER, "bits"))


def memory(plan: Plan) -> Iterator[Entry]:
    """Full precision with as many samples as fit into the binary method's memory."""
    for facts in plan.data:
        yield from _main_rows(plan, facts, [("bmlp", ONE_LAYER), ("bmlp", TWO_LAYERS)])
        for hidden, kept_as in product(SHAPES, ways_to_keep(facts)):
            if kept_as == "uint8" and hidden != ONE_LAYER:
                continue
            for method in ("sgd", "adam"):
                if plan.available(method):
                    yield from _at_equal_memory(plan, facts, method, hidden, kept_as)


def _at_equal_memory(plan: Plan, facts: Facts, method: str, hidden: tuple[int, ...], kept_as: str) -> Iterator[Entry]:
    row = row_name(method, hidden, f"equal memory, {kept_as}")
    samples = samples_at_equal_memory(facts, method, hidden, kept_as=kept_as)
    if samples < LEAST_SAMPLES * facts.n_classes:
        plan.leave_out(
            f"{row}, {facts.label}: there is room for {samples} samples only, fewer than {LEAST_SAMPLES} of each class"
        )
        return
    for seed in plan.seeds:
        cell = plan.cell(
            facts,
            method,
            hidden,
            seed,
            inputs="float" if facts.numeric else "bits",
            kept_as=kept_as,
            samples=min(samples, plan.scale.samples or samples),
        )
        yield from _entries(plan.tune(facts, cell), facts, row)


def depth(plan: Plan) -> Iterator[Entry]:
    """Accuracy by depth and width."""
    for facts in plan.data:
        for width in plan.scale.widths:
            for n_layers in plan.scale.depths:
                for seed in plan.few_seeds:
                    cell = plan.cell(facts, "bmlp", (width,) * n_layers, seed, epochs=plan.scale.depth_epochs)
                    yield Entry(cell.with_settings(**PLAIN), facts, f"{width} neurons a layer", n_layers)


def maps(plan: Plan) -> Iterator[Entry]:
    """Group size by robustness, of both local methods; reinforcement."""
    scale = plan.scale
    for facts, seed, method in product(plan.data, scale.seeds[: scale.map_seeds], ("bmlp", "single-layer")):
        base = plan.cell(
            facts,
            method,
            ONE_LAYER,
            seed,
            epochs=scale.map_epochs,
            samples=min(scale.map_samples, scale.samples or scale.map_samples),
        ).with_settings(**PLAIN)
        for group_size, robustness in product(scale.groups, scale.robustness):
            cell = base.with_settings(group_size=group_size, robustness=robustness)
            yield Entry(cell, facts, row_name(method, ONE_LAYER), group_size, robustness)
        if method == "bmlp":
            for reinforcement in scale.reinforcement:
                cell = base.with_settings(reinforcement=reinforcement)
                yield Entry(cell, facts, row_name(method, ONE_LAYER), reinforcement)


def options(plan: Plan) -> Iterator[Entry]:
    """Options of the published system."""
    variants: list[tuple[str, dict[str, bool | int]]] = [
        ("none", {}),
        ("first layer frozen", {"freeze_first": True}),
        ("last classifier trained", {"train_classifier": True}),
        ("hidden weights up to 15", {"hidden_clip": 15}),
        ("hidden weights up to 255", {"hidden_clip": 255}),
    ]
    for facts in plan.data:
        for seed in plan.few_seeds:
            base = plan.cell(facts, "bmlp", TWO_LAYERS, seed, epochs=plan.scale.option_epochs).with_settings(**PLAIN)
            for name, changes in variants:
                yield Entry(base.with_settings(**changes), facts, name)
            pair = _PAIRS.get(facts.data, (0, 1))
            two = replace(base, classes=pair if facts.n_classes > 2 else None)
            yield Entry(two, facts, "two classes: two outputs")
            yield Entry(two.with_settings(single_output=True), facts, "two classes: single output")


def pareto(plan: Plan) -> Iterator[Entry]:
    """Accuracy against memory and gates: what other studies train."""
    for entry in main(plan):
        yield replace(entry, row=LABELS[entry.cell.method])
    for entry in depth(plan):
        yield replace(entry, row="BMLP, other sizes")
    for entry in memory(plan):
        if entry.cell.method != "bmlp":
            yield replace(entry, row=f"{LABELS[entry.cell.method]}, equal memory, {entry.cell.kept_as}")


def claims(plan: Plan) -> Iterator[Entry]:
    """Compare with what the publication says: what other studies train."""
    yield from main(plan)
    for entry in memory(plan):
        if entry.cell.method != "bmlp":
            yield entry


def weights(plan: Plan) -> Iterator[Entry]:
    """How far hidden weights move from zero: the first seed of the main table."""
    for facts in plan.data:
        for hidden in SHAPES:
            cell = _main_cell(plan, facts, "bmlp", hidden, plan.seeds[0])
            yield from _entries(cell, facts, row_name("bmlp", hidden))


def errors(plan: Plan) -> Iterator[Entry]:
    """Share of samples with an error signal, layer by layer."""
    for facts in plan.data:
        yield from _main_rows(plan, facts, [("bmlp", ONE_LAYER), ("bmlp", TWO_LAYERS)])


STUDIES = {
    study.name: study
    for study in (
        Study("main", "All methods", main),
        Study("single-layer", "Multi-layer rule and single-layer method", single_layer),
        Study("float", "Full precision, equal architecture", float_inputs),
        Study("memory", "Full precision, equal memory", memory),
        Study("straight-through", "Straight-through estimation", straight_through),
        Study("claims", "What the publication says, and what came out", claims),
        Study("depth", "Depth and width", depth),
        Study("maps", "Group size, robustness, reinforcement", maps),
        Study("options", "Options", options),
        Study("pareto", "Accuracy, memory and gates", pareto),
        Study("weights", "Hidden weights over training", weights),
        Study("errors", "Error signals over training", errors),
    )
}

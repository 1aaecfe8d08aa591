"""The C of learning: what a device keeps, the calls that train layer after layer, and states."""

from __future__ import annotations

from bitlocal.export.c99.network import Network, shape
from bitlocal.export.c99.numbers import c_number, smallest_type
from bitlocal.export.c99.plan import GAP_STRIDE, LayerPlan, Plan
from bitlocal.export.c99.planes import to_planes
from bitlocal.export.c99.state import HEADER_SIZE, state_header
from bitlocal.export.model import LONGEST_GAP, Learning, Purpose


class Learner:
    """The C that a network needs to learn, beyond what it needs to infer.

    Parameters
    ----------
    network : Network
        Of a model that was taken apart with what learning needs.
    """

    def __init__(self, network: Network) -> None:
        assert network.plan.model.learning is not None
        self._network = network
        self._learning: Learning = network.plan.model.learning
        self._plan: Plan = network.plan
        self._readout = network.plan.model.readout
        self._texts = network.texts

    def header(self) -> str:
        """Give what NAME.h declares."""
        plan, layers = self._plan, self._plan.layers
        # Sizes are numbers, not products, which could silently run over where int has 16 bits.
        fields = {
            "planes": [{"signs": one.words, "lows": one.words * (plan.n_planes - 1)} for one in layers],
            "inputs": [{"words": plan.batch_size * one.row_words} for one in layers],
            "chosen": [{"choices": plan.batch_size * one.groups} for one in layers],
        }
        declared = {
            name: "".join(
                self._texts.fill("network/header.h", name, n=n, **sizes) for n, sizes in enumerate(of_layers, start=1)
            )
            for name, of_layers in fields.items()
        }
        rows = {"type": smallest_type(0, plan.model.n_classes), "entries": plan.readout_entries}
        rows["words"] = plan.batch_size * layers[-1].out_words
        for name in ("rival", "outputs", "readout"):
            declared[name] = self._texts.fill("network/header.h", name, **rows) if self._readout else ""
        return self._texts.fill(
            "network/header.h",
            "learning",
            batch=plan.batch_size,
            state=HEADER_SIZE + plan.state_size + 4,
            label=smallest_type(0, plan.model.n_classes - 1),
            choice=smallest_type(0, plan.group_size),
            layers=len(layers),
            **declared,
        )

    def source(self) -> list[str]:
        """Give the parts of NAME.c, after those of inference."""
        texts, learned = self._texts, self._readout is not None
        return [
            self._tables(),
            *([texts.fill("vote.c")] if learned else []),  # by which layers learn, and which answers otherwise
            texts.fill("learning.c"),
            *([texts.fill("readout.c", "learn")] if learned else []),
            self._functions(),
            texts.fill("state.c"),
            *([texts.fill("readout.c", "state")] if learned else []),
            self._states(),
        ]

    def _tables(self) -> str:
        network, plan, texts = self._network, self._plan, self._texts
        text = self._constants()
        if not self._learning.drawn:
            lows = (to_planes(h, plan.n_planes)[1] for h in self._learning.counters)
            tables = "".join(texts.table(f"low_{n}", low) for n, low in enumerate(lows, start=1))
            text += "\n" + texts.fill("network/learn.c", "counters", tables=tables)
        others = plan.layers if self._readout else plan.layers[:-1]  # which inference does not have
        if others:
            tables = "".join(network.local_classifier(one) for one in others)
            piece = "classifiers beside a readout" if self._readout else "classifiers"
            text += texts.fill("network/learn.c", piece, tables=tables)
        if reinforced := [one for one in plan.layers if one.layer.reinforcement > 0]:
            tables = "".join(texts.table(f"gaps_{one.number}", one.gap_table, "uint64_t") for one in reinforced)
            text += texts.fill("network/learn.c", "gaps", tables=tables, stride=GAP_STRIDE)
        header = state_header(len(plan.layers), plan.n_planes, self._learning.identity)
        table = texts.table("state_header", list(header), "uint8_t")
        return text + texts.fill("network/learn.c", "header", table=table)

    def _constants(self) -> str:
        plan, model = self._plan, self._plan.model
        offset = 2 ** (plan.n_planes - 1)
        h_min, h_max = model.counter_range
        # A sum of counter and updates, from -batch_size to 2**n_planes - 1 + batch_size, in two's complement.
        wide = (2**plan.n_planes - 1 + plan.batch_size).bit_length() + 1
        return self._texts.fill(
            "network/learn.c",
            "constants",
            planes=plan.n_planes,
            least=h_min + offset,
            largest=h_max + offset,
            full=int((h_min, h_max) == (-offset, offset - 1)),
            sum=plan.batch_size.bit_length(),
            wide=wide,
            group=plan.group_size,
            reinforcement=int(any(one.layer.reinforcement for one in plan.layers)),
            drawn=int(self._learning.drawn),
            stride=GAP_STRIDE,
            longest=LONGEST_GAP,
            low=c_number(model.seed % 2**32, "uint32_t"),
            high=c_number(model.seed >> 32, "uint32_t"),
            step=c_number(model.step, "uint32_t"),
        )

    def _functions(self) -> str:
        layers = self._plan.layers
        return self._texts.fill(
            "network/learn.c",
            "functions",
            start="".join(map(self._start, layers)),
            presents="".join(map(self._present, layers)),
            updates="".join(map(self._update, layers)),
            row=layers[0].row_words,
            **self._readout_calls(layers[-1]),
            **self._network.calls("network/learn.c"),
        )

    def _readout_calls(self, last: LayerPlan) -> dict[str, str]:
        """Fill the gaps of a learned readout, or leave them empty."""
        pieces = {"copy": "copy readout", "rival": "rival", "readout": "readout", "out": "logits"}
        if self._readout is None:
            pieces = {"copy": "", "rival": "", "readout": "", "out": "local out"}
        values = {"outputs": last.out_words, "entries": self._plan.readout_entries}
        values["margin"] = 0 if self._readout is None else self._readout.margin
        return {gap: self._fill(piece, last, **values) if piece else "" for gap, piece in pieces.items()}

    def _start(self, one: LayerPlan) -> str:
        if self._learning.drawn:
            return self._fill("draw", one, stream=_stream(Purpose.hidden_weights, one.number))
        return self._fill("copy", one, signs=one.words, lows=one.words * (self._plan.n_planes - 1))

    def _present(self, one: LayerPlan) -> str:
        is_last = one.number == len(self._plan.layers)
        piece = "out of all" if is_last and self._readout else "out"
        out = self._texts.fill("network/learn.c", piece, n=one.number + 1, words=one.out_words).strip()
        is_local = is_last and self._readout is None
        values = {"margin": one.layer.margin, "row": one.row_words, "groups": one.groups, "index": one.number - 1}
        return self._fill("present", one, out="out" if is_local else out, **values)

    def _update(self, one: LayerPlan) -> str:
        reinforce = ""
        if one.layer.reinforcement > 0:
            reinforce = self._fill(
                "reinforce",
                one,
                entries=len(one.gap_table),
                q=c_number(2**32 - one.layer.reinforcement, "uint32_t"),
                stream=_stream(Purpose.reinforcement, one.number),
            )
        return self._fill("update", one, reinforce=reinforce, index=one.number - 1)

    def _fill(self, piece: str, one: LayerPlan, **values: object) -> str:
        return self._texts.fill("network/learn.c", piece, **shape(one), **values)

    def _states(self) -> str:
        puts = gets = checks = ""
        at = HEADER_SIZE
        for one in self._plan.layers:
            sizes = {"n": one.number, "signs": one.words, "lows": one.words * (self._plan.n_planes - 1)}
            puts += self._texts.fill("network/state.c", "put", **sizes)
            gets += self._texts.fill("network/state.c", "get", **sizes)
            check = self._texts.fill("network/state.c", "check", **shape(one), sign=at, low=at + 4 * one.words)
            checks += "\n        " + check.strip()
            at += 4 * one.words * self._plan.n_planes
        values = {"puts": puts, "gets": gets, "checks": checks, "readout": "", "got": ""}
        if self._readout is not None:
            entries = self._plan.readout_entries
            values["readout"] = self._texts.fill("network/state.c", "put readout", entries=entries)
            values["got"] = self._texts.fill("network/state.c", "get readout", entries=entries)
        return self._texts.fill("network/state.c", "functions", **values)


def _stream(purpose: Purpose, layer: int) -> str:
    """Write the last word of the counter of random numbers."""
    return c_number(purpose * 2**24 + layer, "uint32_t")

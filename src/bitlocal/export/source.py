"""The text of a C header and a C source: templates, tables, and the calls that join the layers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bitlocal.estimator import BMLPClassifier
from bitlocal.export.ctext import c_array, c_number, smallest_type
from bitlocal.export.encoding import EncoderCode
from bitlocal.export.errors import ExportError
from bitlocal.export.layouts import template, with_prefix
from bitlocal.export.plan import GAP_STRIDE, LONGEST_GAP, LayerPlan, Plan
from bitlocal.export.planes import to_planes, words_for
from bitlocal.export.state import HEADER_SIZE, state_header
from bitlocal.network import BinaryNetwork

INITIAL_WEIGHTS, REINFORCEMENT = 1, 3  # purposes of random numbers, as in docs/algorithm.md
_RESERVED = """
auto break case char const continue default do double else enum extern float for goto if inline int long register
restrict return short signed sizeof static struct switch typedef union unsigned void volatile while bool true false asm
catch class delete explicit export friend mutable namespace new operator private protected public template this throw
try typename using virtual main
"""


def check_prefix(prefix: str) -> str:
    """Refuse what cannot begin the names of C: also what would be reserved, or the same in upper case."""
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,30}", prefix) or prefix in _RESERVED.split():
        raise ExportError(
            f"prefix {prefix!r}: expected up to 31 small letters, digits and underscores, a letter first, as in my_net"
        )
    return prefix


class Source:
    """The C of a classifier.

    Parameters
    ----------
    classifier : BMLPClassifier
        Fitted.
    plan : Plan
        Of the same classifier.
    encoder : EncoderCode
        Likewise, with the same prefix.
    prefix : str
        What all names begin with.
    learn : bool
        Whether to write what learning needs.
    """

    def __init__(
        self, classifier: BMLPClassifier, plan: Plan, encoder: EncoderCode, prefix: str, *, learn: bool
    ) -> None:
        self.classifier = classifier
        self.network: BinaryNetwork = classifier.network_
        self.plan = plan
        self.encoder = encoder
        self.prefix = prefix
        self.learn = learn

    # Header --------------------------------------------------------------------------------------------------------

    def header(self) -> str:
        """Give the text of NAME.h."""
        p, plan = self.prefix, self.plan
        shape = " - ".join(map(str, (plan.n_bits, *(layer.n_neurons for layer in plan.layers))))
        lines = [
            f"/* A binary neural network: {self.encoder.n_features} features, {shape} bits, {plan.n_classes} classes.",
            " * Written by bitlocal; docs/device.md of bitlocal tells how to use it. */",
            f"#ifndef {p.upper()}_H",
            f"#define {p.upper()}_H",
            "",
            "#include <stddef.h>",
            "#include <stdint.h>",
            "",
            "#ifdef __cplusplus",
            'extern "C" {',
            "#endif",
            "",
            f"#define BMLP_N_FEATURES {self.encoder.n_features} /* of a sample */",
            f"#define BMLP_N_CLASSES {plan.n_classes}",
            f"#define BMLP_N_BITS {plan.n_bits} /* into which a sample is encoded */",
            "",
            f"typedef {self.encoder.feature_type} bmlp_feature_t;",
            "",
            "enum {",
            "    BMLP_OK = 0,",
            "    BMLP_ERROR_NULL = -1,  /* a pointer is NULL */",
            "    BMLP_ERROR_LABEL = -2, /* the label is not one of 0 ... BMLP_N_CLASSES - 1 */",
            "    BMLP_ERROR_SIZE = -3,  /* the size is not BMLP_STATE_SIZE */",
            "    BMLP_ERROR_STATE = -4, /* the state is damaged, or another model's */",
            "    BMLP_ERROR_BATCH = -5  /* a mini-batch is unfinished: call bmlp_flush first */",
            "};",
            "",
            "/* The class of a sample of BMLP_N_FEATURES features, from 0, or an error. */",
            "int bmlp_predict(const bmlp_feature_t *features);",
            "/* The BMLP_N_CLASSES logits of a sample; BMLP_OK or an error. */",
            "int bmlp_logits(const bmlp_feature_t *features, int32_t *logits);",
        ]
        text = "\n".join(lines) + "\n" + (self._learning_header() if self.learn else "")
        text += "\n#ifdef __cplusplus\n}\n#endif\n\n#endif\n"
        return self._named(text)

    def _learning_header(self) -> str:
        plan, last = self.plan, len(self.plan.layers)
        size = HEADER_SIZE + 4 * plan.state_words + 4
        fields = []
        # Sizes are numbers, not products, which could silently run over where int has 16 bits.
        for layer in plan.layers:
            n, low_words = layer.number, layer.words * (plan.n_planes - 1)
            fields.append(
                f"    uint32_t sign_{n}[{layer.words}u]; /* layer {n}: binary weights, the highest bit planes */"
            )
            fields.append(f"    uint32_t low_{n}[{low_words}u]; /* the others, those of a word together */")
        for layer in plan.layers:
            n = layer.number
            fields.append(f"    uint32_t in_{n}[{plan.batch_size * layer.row_words}u]; /* inputs of the mini-batch */")
        fields.append("    uint32_t step;  /* mini-batches so far */")
        fields.append("    uint16_t count; /* samples in the mini-batch */")
        fields.append("    bmlp_label_t labels[BMLP_BATCH_SIZE];")
        for layer in plan.layers:
            groups = layer.n_neurons // plan.group_size
            fields.append(
                f"    bmlp_choice_t chosen_{layer.number}[{plan.batch_size * groups}u]; /* neuron of a group, from 1 */"
            )
        fields.append(f"    uint8_t teaches[{last}u]; /* whether a sample of the mini-batch teaches a layer */")
        lines = [
            "",
            f"#define BMLP_BATCH_SIZE {plan.batch_size}u /* samples in a mini-batch */",
            f"#define BMLP_STATE_SIZE {size}u /* bytes of a state */",
            "",
            f"typedef {smallest_type(0, plan.n_classes - 1)} bmlp_label_t;",
            f"typedef {smallest_type(0, plan.group_size)} bmlp_choice_t;",
            "",
            "/* All memory that learning keeps; it belongs to the caller, and its content to this module. */",
            "typedef struct {",
            *fields,
            "} bmlp_ctx;",
            "",
            "/* Starts from the exported model. */",
            "int bmlp_init(bmlp_ctx *ctx);",
            "/* Learns from a sample of class `label`. Weights change when BMLP_BATCH_SIZE samples have come. */",
            "int bmlp_learn(bmlp_ctx *ctx, const bmlp_feature_t *features, int label);",
            "/* Closes a mini-batch that is not full; does nothing where there is none. */",
            "int bmlp_flush(bmlp_ctx *ctx);",
            "/* As bmlp_predict and bmlp_logits, with what was learnt. */",
            "int bmlp_ctx_predict(const bmlp_ctx *ctx, const bmlp_feature_t *features);",
            "int bmlp_ctx_logits(const bmlp_ctx *ctx, const bmlp_feature_t *features, int32_t *logits);",
            "/* Writes what was learnt to `blob`; `size` must be BMLP_STATE_SIZE. Not within a mini-batch. */",
            "int bmlp_save(const bmlp_ctx *ctx, uint8_t *blob, size_t size);",
            "/* Goes on from what bmlp_save wrote; samples of an unfinished mini-batch are dropped. Refuses what is",
            " * damaged or another model's, and changes nothing then. */",
            "int bmlp_load(bmlp_ctx *ctx, const uint8_t *blob, size_t size);",
        ]
        return "\n".join(lines) + "\n"

    # Source --------------------------------------------------------------------------------------------------------

    def source(self) -> str:
        """Give the text of NAME.c."""
        parts = [
            "/* Written by bitlocal: a binary neural network in integers and bits. */\n"
            f'#include "{self.prefix}.h"\n\n#include <string.h>\n',
            self._template("common.c"),
            self._named("/* From features to bits. */\n") + self.encoder.declarations + self.encoder.body,
            self._tables(),
            self._template("inference.c"),
            self._named(self._inference()),
        ]
        if self.learn:
            parts += [
                self._named(self._learning_tables()),
                self._template("learning.c"),
                self._named(self._learning()),
                self._template("state.c"),
                self._named(self._state()),
            ]
        return "\n".join(part.strip("\n") + "\n" for part in parts)

    def _template(self, name: str) -> str:
        return template(name, self.prefix)

    def _named(self, text: str) -> str:
        return with_prefix(text, self.prefix)

    def _table(self, name: str, values: NDArray[np.uint32] | Sequence[int], ctype: str = "uint32_t") -> str:
        return c_array(f"{self.prefix}_{name}", values, ctype, f"{self.prefix.upper()}_ROM")

    def _tables(self) -> str:
        text = "/* Binary weights, a row a neuron. */\n"
        for layer in self.plan.layers:
            rows = _words(self.network.packed_weights(layer.number - 1).words, layer.n_inputs)
            text += self._table(f"w_{layer.number}", rows)
        text += "/* Local classifier of the last layer, a row a class. */\n" + self._local_classifier(
            self.plan.layers[-1]
        )
        return text

    def _local_classifier(self, layer: LayerPlan) -> str:
        words = self.network.packed_local_classifier(layer.number - 1).words
        return self._table(f"p_{layer.number}", _words(words, layer.n_neurons))

    def _inference(self) -> str:
        layers = self.plan.layers
        calls = "".join(
            f"    bmlp_layer_rom(bmlp_w_{layer.number}, {layer.n_inputs}u, {layer.n_neurons}u, {source}, {target});\n"
            for layer, source, target in self._hops()
        )
        vote = f"    bmlp_vote(bmlp_p_{len(layers)}, {layers[-1].n_neurons}u, {self._result()}, logits);\n"
        return f"""\
int bmlp_logits(const bmlp_feature_t *features, int32_t *logits) {{
{self._buffers()}
    if ((features == NULL) || (logits == NULL)) {{
        return BMLP_ERROR_NULL;
    }}
    bmlp_encode(features, even);
{calls}{vote}    return BMLP_OK;
}}

int bmlp_predict(const bmlp_feature_t *features) {{
    int32_t logits[BMLP_N_CLASSES];
    const int error = bmlp_logits(features, logits);
    return error < 0 ? error : bmlp_winner(logits);
}}
"""

    def _buffers(self) -> str:
        """Give the two buffers between which activations go to and fro, each as large as it must be."""
        sizes = [words_for(self.plan.n_bits), *(layer.out_words for layer in self.plan.layers)]
        return f"    uint32_t even[{max(sizes[0::2])}u];\n    uint32_t odd[{max(sizes[1::2])}u];"

    def _hops(self) -> list[tuple[LayerPlan, str, str]]:
        names = ("even", "odd")
        return [(layer, names[i % 2], names[(i + 1) % 2]) for i, layer in enumerate(self.plan.layers)]

    def _result(self) -> str:
        return self._hops()[-1][2]

    @cached_property
    def _start_is_drawn(self) -> bool:
        """Whether the network has not learnt: its counters can then be drawn from the seed, and take no flash."""
        if self.network.state.step > 0:
            return False
        drawn = BinaryNetwork(self.network.spec).snapshot()
        return all(np.array_equal(a, b) for a, b in zip(drawn, self.network.snapshot(), strict=True))

    # Learning ------------------------------------------------------------------------------------------------------

    def _learning_tables(self) -> str:
        plan = self.plan
        offset = 2 ** (plan.n_planes - 1)
        # A sum of counter and updates, from -batch_size to 2**n_planes - 1 + batch_size, in two's complement.
        wide = (2**plan.n_planes - 1 + plan.batch_size).bit_length() + 1
        full = (plan.h_min, plan.h_max) == (-offset, offset - 1)
        reinforced = [layer for layer in plan.layers if layer.threshold > 0]
        constants = {
            "PLANES": f"{plan.n_planes}u",
            "OFFSET_MIN": f"{plan.h_min + offset}u",
            "OFFSET_MAX": f"{plan.h_max + offset}u",
            "FULL_RANGE": str(int(full)),
            "SUM_PLANES": f"{plan.batch_size.bit_length()}u",
            "WIDE_PLANES": f"{wide}u",
            "GROUP_SIZE": f"{plan.group_size}u",
            "REINFORCEMENT": str(int(bool(reinforced))),
            "START_IS_DRAWN": str(int(self._start_is_drawn)),
            "GAP_STRIDE": f"{GAP_STRIDE}u",
            "LONGEST_GAP": f"{LONGEST_GAP}u",
            "SEED_LOW": c_number(plan.seed % 2**32, "uint32_t"),
            "SEED_HIGH": c_number(plan.seed >> 32, "uint32_t"),
            "START_STEP": c_number(plan.step, "uint32_t"),
        }
        text = "".join(f"#define BMLP_{name} {value}\n" for name, value in constants.items())
        if not self._start_is_drawn:
            text += "\n/* Lower bit planes of the exported counters. */\n"
            for layer in plan.layers:
                _, lows = to_planes(self.network.counters(layer.number - 1), plan.n_planes)
                text += self._table(f"low_{layer.number}", lows)
        if len(plan.layers) > 1:
            text += "/* Local classifiers of the other layers. */\n"
            text += "".join(self._local_classifier(layer) for layer in plan.layers[:-1])
        if reinforced:
            text += f"/* The law of the gaps between reinforced synapses: every {GAP_STRIDE}th entry. */\n"
            text += "".join(self._table(f"gaps_{layer.number}", layer.gap_table, "uint64_t") for layer in reinforced)
        text += "/* How a state of this model begins. */\n"
        return text + self._table("state_header", list(state_header(self.classifier, plan.n_planes)), "uint8_t")

    def _learning(self) -> str:
        plan = self.plan
        start = presents = updates = forwards = ""
        for layer, source, target in self._hops():
            n, words, groups = layer.number, layer.words, layer.n_neurons // plan.group_size
            shape = f"{layer.n_inputs}u, {layer.n_neurons}u"
            is_last = n == len(plan.layers)
            if self._start_is_drawn:
                start += f"    bmlp_draw(ctx->sign_{n}, ctx->low_{n}, {shape}, {_stream(INITIAL_WEIGHTS, n)});\n"
            else:
                start += f"    bmlp_copy(ctx->sign_{n}, bmlp_w_{n}, {words}u);\n"
                start += f"    bmlp_copy(ctx->low_{n}, bmlp_low_{n}, {words * (plan.n_planes - 1)}u);\n"
            out = "out" if is_last else f"&ctx->in_{n + 1}[s * {layer.out_words}u]"
            presents += f"""\
    if (bmlp_present(ctx->sign_{n}, bmlp_p_{n}, {shape}, {layer.margin}, (size_t)label,
                     &ctx->in_{n}[s * {layer.row_words}u], {out}, &ctx->chosen_{n}[s * {groups}u])) {{
        ctx->teaches[{n - 1}] = 1u;
    }}
"""
            reinforce = ""
            if layer.threshold > 0:
                table, q = layer.gap_table, 2**32 - layer.threshold
                reinforce = f"""
        bmlp_reinforce(ctx->sign_{n}, ctx->low_{n}, {shape}, bmlp_gaps_{n}, {len(table)}u,
                       {c_number(q, "uint32_t")}, ctx->step, {_stream(REINFORCEMENT, n)});"""
            updates += f"""\
    if (ctx->teaches[{n - 1}] != 0u) {{
        bmlp_update(ctx->sign_{n}, ctx->low_{n}, bmlp_p_{n}, {shape}, ctx->in_{n}, ctx->chosen_{n}, ctx->labels,
                    ctx->count);{reinforce}
        ctx->teaches[{n - 1}] = 0u;
    }}
"""
            forwards += f"    bmlp_layer_ram(ctx->sign_{n}, {shape}, {source}, {target});\n"
        last = plan.layers[-1]
        return f"""\
int bmlp_init(bmlp_ctx *ctx) {{
    if (ctx == NULL) {{
        return BMLP_ERROR_NULL;
    }}
    memset(ctx, 0, sizeof(*ctx));
{start}    ctx->step = BMLP_START_STEP;
    return BMLP_OK;
}}

/* Steps 6 and 7 for all layers. */
static void bmlp_close_batch(bmlp_ctx *ctx) {{
{updates}    ctx->count = 0u;
    ++ctx->step;
}}

int bmlp_learn(bmlp_ctx *ctx, const bmlp_feature_t *features, int label) {{
    uint32_t out[{last.out_words}u];
    size_t s;
    if ((ctx == NULL) || (features == NULL)) {{
        return BMLP_ERROR_NULL;
    }}
    if ((label < 0) || (label >= BMLP_N_CLASSES)) {{
        return BMLP_ERROR_LABEL;
    }}
    s = ctx->count;
    bmlp_encode(features, &ctx->in_1[s * {plan.layers[0].row_words}u]);
{presents}    ctx->labels[s] = (bmlp_label_t)label;
    ++ctx->count;
    if (ctx->count == BMLP_BATCH_SIZE) {{
        bmlp_close_batch(ctx);
    }}
    return BMLP_OK;
}}

int bmlp_flush(bmlp_ctx *ctx) {{
    if (ctx == NULL) {{
        return BMLP_ERROR_NULL;
    }}
    if (ctx->count > 0u) {{
        bmlp_close_batch(ctx);
    }}
    return BMLP_OK;
}}

int bmlp_ctx_logits(const bmlp_ctx *ctx, const bmlp_feature_t *features, int32_t *logits) {{
{self._buffers()}
    if ((ctx == NULL) || (features == NULL) || (logits == NULL)) {{
        return BMLP_ERROR_NULL;
    }}
    bmlp_encode(features, even);
{forwards}    bmlp_vote(bmlp_p_{last.number}, {last.n_neurons}u, {self._result()}, logits);
    return BMLP_OK;
}}

int bmlp_ctx_predict(const bmlp_ctx *ctx, const bmlp_feature_t *features) {{
    int32_t logits[BMLP_N_CLASSES];
    const int error = bmlp_ctx_logits(ctx, features, logits);
    return error < 0 ? error : bmlp_winner(logits);
}}
"""

    def _state(self) -> str:
        puts = gets = checks = ""
        at = HEADER_SIZE
        for layer in self.plan.layers:
            n, words = layer.number, layer.words
            lows = f"{words * (self.plan.n_planes - 1)}u"
            puts += f"    at = bmlp_put_words(at, ctx->sign_{n}, {words}u);\n"
            puts += f"    at = bmlp_put_words(at, ctx->low_{n}, {lows});\n"
            gets += f"    at = bmlp_get_words(at, ctx->sign_{n}, {words}u);\n"
            gets += f"    at = bmlp_get_words(at, ctx->low_{n}, {lows});\n"
            checks += (
                f"\n        || !bmlp_planes_valid(&blob[{at}u], &blob[{at + 4 * words}u], {layer.n_inputs}u, "
                f"{layer.n_neurons}u)"
            )
            at += 4 * words * self.plan.n_planes
        return f"""\
int bmlp_save(const bmlp_ctx *ctx, uint8_t *blob, size_t size) {{
    uint8_t *at = blob;
    size_t i;
    if ((ctx == NULL) || (blob == NULL)) {{
        return BMLP_ERROR_NULL;
    }}
    if (size != BMLP_STATE_SIZE) {{
        return BMLP_ERROR_SIZE;
    }}
    if (ctx->count > 0u) {{
        return BMLP_ERROR_BATCH;
    }}
    for (i = 0u; i < BMLP_STATE_STEP; ++i) {{
        blob[i] = BMLP_ROM_U8(&bmlp_state_header[i]);
    }}
    bmlp_put_word(&blob[BMLP_STATE_STEP], ctx->step);
    at = &blob[BMLP_STATE_HEADER];
{puts}    bmlp_put_word(at, bmlp_crc32(blob, BMLP_STATE_SIZE - 4u));
    return BMLP_OK;
}}

int bmlp_load(bmlp_ctx *ctx, const uint8_t *blob, size_t size) {{
    const uint8_t *at = blob;
    size_t i;
    if ((ctx == NULL) || (blob == NULL)) {{
        return BMLP_ERROR_NULL;
    }}
    if (size != BMLP_STATE_SIZE) {{
        return BMLP_ERROR_SIZE;
    }}
    for (i = 0u; i < BMLP_STATE_STEP; ++i) {{
        if (blob[i] != BMLP_ROM_U8(&bmlp_state_header[i])) {{
            return BMLP_ERROR_STATE;
        }}
    }}
    if ((bmlp_get_word(&blob[BMLP_STATE_SIZE - 4u]) != bmlp_crc32(blob, BMLP_STATE_SIZE - 4u)){checks}) {{
        return BMLP_ERROR_STATE;
    }}
    memset(ctx, 0, sizeof(*ctx));
    ctx->step = bmlp_get_word(&blob[BMLP_STATE_STEP]);
    at = &blob[BMLP_STATE_HEADER];
{gets}    return BMLP_OK;
}}
"""


def _stream(purpose: int, layer: int) -> str:
    """Write the last word of the counter of random numbers."""
    return c_number(purpose * 2**24 + layer, "uint32_t")


def _words(rows: NDArray[np.uint64], n_bits: int) -> NDArray[np.uint32]:
    """Split rows of 64-bit words into as many words of 32 bits as the bits need."""
    halves = np.ascontiguousarray(rows, dtype="<u8").view("<u4").astype(np.uint32, copy=False)
    return np.ascontiguousarray(halves[:, : words_for(n_bits)])

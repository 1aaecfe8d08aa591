/* Logits: each class's row of a local classifier against the activations of its layer. */
static void $net_vote(const uint32_t *p, size_t n_neurons, const uint32_t *activations, int32_t *logits) {
    size_t c;
    for (c = 0u; c < (size_t)$NET_N_CLASSES; ++c) {
        logits[c] = $net_product_rom(&p[c * $NET_WORDS(n_neurons)], activations, n_neurons);
    }
}

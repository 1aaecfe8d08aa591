/* One layer with weights in flash. A pre-activation of 0 counts as positive. */
static void $net_layer_rom(const uint32_t *weights, size_t n_inputs, size_t n_neurons, const uint32_t *in,
                           uint32_t *out) {
    uint32_t word = 0u;
    size_t k;
    for (k = 0u; k < n_neurons; ++k) {
        if ($net_product_rom(&weights[k * $NET_WORDS(n_inputs)], in, n_inputs) >= 0) {
            word |= UINT32_C(1) << (k % 32u);
        }
        if ((k % 32u == 31u) || (k + 1u == n_neurons)) {
            out[k / 32u] = word;
            word = 0u;
        }
    }
}

//: start
/* Written by bitlocal: a binary neural network in integers and bits. */
#include "$net.h"

#include <string.h>

//: weights
/* Binary weights, a row a neuron. */
$weights
/* Local classifier of the last layer, a row a class. */
$classifier

//: weights of a readout
/* Binary weights, a row a neuron. */
$weights
/* Learned readout, a row a class. */
$readout

//: logits
int $net_logits(const $net_feature_t *features, int32_t *logits) {
    uint32_t even[${even}u];
    uint32_t odd[${odd}u]$empty;
    if ((features == NULL) || (logits == NULL)) {
        return $NET_ERROR_NULL;
    }
    $net_encode(features, even);
    $layers
    $answer
    return $NET_OK;
}

int $net_predict(const $net_feature_t *features) {
    int32_t logits[$NET_N_CLASSES];
    const int error = $net_logits(features, logits);
    return error < 0 ? error : $net_winner(logits);
}

//: vote
$net_vote($net_p_$last, ${neurons}u, $result, logits);

//: read out
$net_read_out_rom($net_r, ${neurons}u, $result, logits);

//: layer
$net_layer_rom($net_w_$n, ${inputs}u, ${neurons}u, $source, $target);

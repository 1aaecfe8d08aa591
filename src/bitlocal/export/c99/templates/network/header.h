//: header
/* A binary neural network: $features features, $shape bits, $classes classes.
 * Written by bitlocal; docs/device.md of bitlocal tells how to use it. */
#ifndef $NET_H
#define $NET_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define $NET_N_FEATURES $features /* of a sample */
#define $NET_N_CLASSES $classes
#define $NET_N_BITS $bits /* into which a sample is encoded */

typedef $feature $net_feature_t;

enum {
    $NET_OK = 0,
    $NET_ERROR_NULL = -1,  /* a pointer is NULL */
    $NET_ERROR_LABEL = -2, /* the label is not one of 0 ... $NET_N_CLASSES - 1 */
    $NET_ERROR_SIZE = -3,  /* the size is not $NET_STATE_SIZE */
    $NET_ERROR_STATE = -4, /* the state is damaged, or another model's */
    $NET_ERROR_BATCH = -5  /* a mini-batch is unfinished: call $net_flush first */
};

/* The class of a sample of $NET_N_FEATURES features, from 0, or an error. */
int $net_predict(const $net_feature_t *features);
/* The $NET_N_CLASSES logits of a sample; $NET_OK or an error. */
int $net_logits(const $net_feature_t *features, int32_t *logits);
$learning

#ifdef __cplusplus
}
#endif

#endif

//: learning

#define $NET_BATCH_SIZE ${batch}u /* samples in a mini-batch */
#define $NET_STATE_SIZE ${state}u /* bytes of a state */

typedef $label $net_label_t;
typedef $choice $net_choice_t;
$rival

/* All memory that learning keeps; it belongs to the caller, and its content to this module. */
typedef struct {
    $planes
    $inputs
    $outputs
    uint32_t step;  /* mini-batches so far */
    uint16_t count; /* samples in the mini-batch */
    $readout
    $net_label_t labels[$NET_BATCH_SIZE];
    $chosen
    uint8_t teaches[${layers}u]; /* whether a sample of the mini-batch teaches a layer */
} $net_ctx;

/* Starts from the exported model. */
int $net_init($net_ctx *ctx);
/* Learns from a sample of class `label`. Weights change when $NET_BATCH_SIZE samples have come. */
int $net_learn($net_ctx *ctx, const $net_feature_t *features, int label);
/* Closes a mini-batch that is not full; does nothing where there is none. */
int $net_flush($net_ctx *ctx);
/* As $net_predict and $net_logits, with what was learnt. */
int $net_ctx_predict(const $net_ctx *ctx, const $net_feature_t *features);
int $net_ctx_logits(const $net_ctx *ctx, const $net_feature_t *features, int32_t *logits);
/* Writes what was learnt to `blob`; `size` must be $NET_STATE_SIZE. Not within a mini-batch. */
int $net_save(const $net_ctx *ctx, uint8_t *blob, size_t size);
/* Goes on from what $net_save wrote; samples of an unfinished mini-batch are dropped. Refuses what is
 * damaged or another model's, and changes nothing then. */
int $net_load($net_ctx *ctx, const uint8_t *blob, size_t size);

//: rival
typedef $type $net_rival_t;

//: outputs
uint32_t out[${words}u]; /* activations of the last layer in the mini-batch */

//: readout
int16_t readout[${entries}u]; /* learned readout, a row a class */
$net_rival_t rivals[$NET_BATCH_SIZE]; /* class that is not far enough behind, from 1 */

//: planes
uint32_t sign_$n[${signs}u]; /* layer $n: binary weights, the highest bit planes */
uint32_t low_$n[${lows}u]; /* the others, those of a word together */

//: inputs
uint32_t in_$n[${words}u]; /* inputs of the mini-batch */

//: chosen
$net_choice_t chosen_$n[${choices}u]; /* neuron of a group, from 1 */

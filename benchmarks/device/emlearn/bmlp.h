/* The names of an exported network for what emlearn generates, so that the same program measures both. generated.h
 * holds emlearn's code, model.h what this file needs to know of it. */
#ifndef EMLEARN_MODEL_H
#define EMLEARN_MODEL_H

#include <stdint.h>

#include "model.h"

#define BMLP_OK 0

typedef FEATURE_TYPE bmlp_feature_t;

int bmlp_predict(const bmlp_feature_t *features);
int bmlp_logits(const bmlp_feature_t *features, int32_t *logits); /* one for the class that was predicted, else zero */

#endif

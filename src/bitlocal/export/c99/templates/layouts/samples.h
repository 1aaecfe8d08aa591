//: file
/* Samples, the class of each as bitlocal predicts it, from 0, and the names of the classes. */
#ifndef $NET_SAMPLES_H
#define $NET_SAMPLES_H

#include "$net.h"

#define $NET_N_SAMPLES $n

static const $net_feature_t $net_samples[$NET_N_SAMPLES][$NET_N_FEATURES] = {
    $samples
};

static const int $net_expected[$NET_N_SAMPLES] = {$expected};

static const char *const $net_class_names[$NET_N_CLASSES] = {
    $names
};

#endif

//: sample
{$values}

//: name
"$text"

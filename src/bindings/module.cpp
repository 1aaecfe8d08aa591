// Python bindings: checks of types, shapes and ranges, the GIL, and hand-over to the core. No maths, no defaults, no
// clocks. A file a subject.
#include "checks.hpp"

NB_MODULE(_core, m) {
    m.doc() = "The compiled core of bitlocal: packed bits, integers, no floating point.";
    bindings::add_network(m);
    bindings::add_trainer(m);
    bindings::add_encoding(m);
    bindings::add_random(m);
    bindings::add_kernels(m);
    bindings::add_words(m);
}

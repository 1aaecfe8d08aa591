// What a layer is: bits in, bits out (step 1 of docs/algorithm.md, section 2); and what one is that learns (steps 4 to
// 7).
//
// Layers are called once for a tile of samples, so that a virtual call costs nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "bits.hpp"
#include "kernels/kernels.hpp"
#include "layers/counters.hpp"

namespace bitlocal {

// What every step needs: the kernels of this process, decided once a call.
struct Context {
    const RuleKernels& kernels;
};

class Layer {
  public:
    virtual ~Layer() = default;

    virtual std::size_t n_inputs() const = 0;
    virtual std::size_t n_outputs() const = 0;
    // Integers that `forward` leaves for each sample, in whole blocks; 0 for a layer that needs none.
    virtual std::size_t z_stride() const { return 0; }

    // Step 1, for n samples: a pointer to the bits that come in, and one to those that go out, for each.
    //   z   n rows of z_stride() integers
    virtual void forward(const Context&, const Word* const* in, std::size_t n, std::int32_t* z,
                         Word* const* out) const = 0;
};

// The samples of a mini-batch that chose the neurons of one group; reused from group to group.
struct UpdateScratch {
    std::vector<std::size_t> first;      // per neuron of the group: where its samples begin
    std::vector<const Word*> samples;    // the activations that came in, neuron after neuron
    std::vector<std::uint8_t> desired;   // and the desired activation
    std::vector<std::uint32_t> repeats;  // and how often it counts; empty where each counts once
};

// What the samples of a mini-batch chose in a layer.
struct Choices {
    std::size_t size;            // samples in the mini-batch
    const Word* const* inputs;   // per sample: the activations that came in
    const Word* const* wanted;   // per sample: the desired activations, a bit a neuron; valid where e = 1
    const std::uint8_t* errors;  // per sample: the error signal e
    const std::int32_t* chosen;  // [group * chosen_stride + sample], valid where e = 1: a place in the group, or -1
    std::size_t chosen_stride;
    const std::uint32_t* repeats;  // per sample: how often it counts; null where each counts once
};

// A layer whose synapses have hidden weights. Its rows of counters are cut into groups, in each of which a sample
// updates at most one.
class Trained : public Layer {
  public:
    virtual std::size_t n_groups() const = 0;
    virtual std::size_t group_size() const = 0;

    // Steps 4 and 5, for one sample: chosen[group * chosen_stride].
    //   z        the sample's row of what `forward` left, with kLanes integers more behind it; it is used up
    //   wanted   the desired activations
    virtual void choose(const Context&, std::int32_t* z, const Word* wanted, std::int32_t* chosen,
                        std::size_t chosen_stride) const = 0;
    // Step 6, for rows begin ... end - 1, all of one group. Returns how many updates there were of a row by a sample,
    // which counts as often as it is repeated.
    virtual std::size_t update(const Context&, std::size_t begin, std::size_t end, const Choices&, UpdateScratch&) = 0;

    // Hidden and binary weights; step 7 is theirs alone.
    virtual Counters& counters() = 0;
    const Counters& counters() const { return const_cast<Trained*>(this)->counters(); }
};

}  // namespace bitlocal

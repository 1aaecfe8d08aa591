// What the forward pass of a mini-batch leaves behind for the updates: one of these for each block.
#pragma once

#include <cstdint>
#include <vector>

#include "network.hpp"

namespace bitlocal {

struct Trace {
    Trace(Block& block, std::size_t batch_size, bool with_readout)
        : stages(block.stages(batch_size)),
          outputs(batch_size),
          wanted(batch_size),
          errors(batch_size),
          chosen(block.layer->n_groups() * batch_size),
          wanted_answers(block.teacher->learner() == nullptr ? 0 : batch_size),
          chosen_answers(wanted_answers.size()),
          rivals(with_readout ? batch_size : 0) {
        for (std::size_t s = 0; s < batch_size; ++s) outputs[s] = stages.back().row(s);
    }

    std::vector<BitMatrix> stages;     // activations after the neurons and after each pool, a row a sample
    std::vector<const Word*> outputs;  // the rows of the last stage: the inputs of the next block
    std::vector<const Word*> wanted;   // per sample: the desired activations of the neurons
    std::vector<std::uint8_t> errors;  // per sample: the error signal e
    std::vector<std::int32_t> chosen;  // [group][sample]
    // Where the teacher learns too, per sample: its desired answers, and the answer that learns, or -1.
    std::vector<const Word*> wanted_answers;
    std::vector<std::int32_t> chosen_answers;
    // Where a readout learns from this block, per sample: the class that is not far enough behind, or -1.
    std::vector<std::int32_t> rivals;
};

}  // namespace bitlocal

#include "layers/teacher.hpp"

#include <algorithm>

#include "random.hpp"

namespace bitlocal {

ClassTeacher::ClassTeacher(const ClassShape& shape)
    : shape_(shape), p_(shape.n_classes, shape.n_inputs), p_blocks_(shape.n_classes, shape.n_inputs) {}

void ClassTeacher::draw(std::uint64_t seed, std::uint32_t index) {
    std::vector<Word> row(p_.n_words());
    for (std::size_t c = 0; c < shape_.n_classes; ++c) {
        RandomStream words(seed, Purpose::kLocalClassifier, index, 0, static_cast<std::uint32_t>(c));
        for (std::size_t w = 0; w < row.size(); ++w) row[w] = words[w] & word_mask(shape_.n_inputs, w);
        set_row(c, row.data());
    }
}

void ClassTeacher::logits(const Context& context, const Word* const* a, std::size_t n, std::int32_t* o) const {
    context.kernels.preactivations(p_blocks_.data(), p_blocks_.n_blocks(), p_blocks_.n_words(),
                                   static_cast<std::int32_t>(shape_.n_inputs), a, n, o, o_stride());
}

void ClassTeacher::judge(const std::int32_t* o, const std::int32_t* targets, std::size_t n, Verdict* verdicts) const {
    const std::size_t stride = o_stride();
    for (std::size_t s = 0; s < n; ++s) verdicts[s] = judge_one(o + s * stride, targets[s]);
}

Verdict ClassTeacher::judge_one(const std::int32_t* o, std::int32_t target) const {
    std::size_t best = 0;
    std::int32_t second = INT32_MIN;  // the second largest as a value: equal to the largest when classes tie
    for (std::size_t c = 1; c < shape_.n_classes; ++c) {
        if (o[c] > o[best]) {
            second = o[best];
            best = c;
        } else {
            second = std::max(second, o[c]);
        }
    }
    const bool correct = static_cast<std::int32_t>(best) == target;
    return {correct, !correct || o[best] - second < shape_.margin};
}

void ClassTeacher::set_rows(const Word* rows) {
    for (std::size_t c = 0; c < shape_.n_classes; ++c) set_row(c, rows + c * p_.n_words());
}

void ClassTeacher::set_row(std::size_t c, const Word* row) {
    std::copy_n(row, p_.n_words(), p_.row(c));
    p_blocks_.set(c, row);
}

void ClassTeacher::copy_row(std::size_t c, const WeightBlocks& weights, std::size_t neuron) {
    weights.get(neuron, p_.row(c));
    p_blocks_.set(c, p_.row(c));
}

void SingleOutputTeacher::draw(std::uint64_t seed, std::uint32_t index) {
    ClassTeacher::draw(seed, index);
    std::vector<Word> opposite(rows().row(1), rows().row(1) + rows().n_words());
    for (std::size_t w = 0; w < opposite.size(); ++w) opposite[w] = ~opposite[w] & word_mask(n_inputs(), w);
    set_row(0, opposite.data());
}

TrainedTeacher::TrainedTeacher(const ClassShape& shape, CounterRange range)
    : ClassTeacher(shape),
      neurons_({shape.n_inputs, shape.n_classes, shape.n_classes, range}),
      one_hot_(shape.n_classes, shape.n_classes) {
    for (std::size_t c = 0; c < shape.n_classes; ++c) one_hot_.row(c)[c / kWordBits] = Word{1} << (c % kWordBits);
}

void TrainedTeacher::draw(std::uint64_t seed, std::uint32_t index) {
    neurons_.counters().draw(seed, index + 1);
    for (std::size_t c = 0; c < n_targets(); ++c) refresh(c);
}

void TrainedTeacher::refresh(std::size_t target) {
    copy_row(target, neurons_.counters().blocks(), target);
}

}  // namespace bitlocal

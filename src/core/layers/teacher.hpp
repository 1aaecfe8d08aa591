// What teaches a layer, without anything coming from above: its own logits, the error signal, and the activations that
// it should have (steps 1 to 3 of docs/algorithm.md, section 2).
#pragma once

#include <memory>

#include "layers/dense.hpp"

namespace bitlocal {

// What the last layer answers for a sample, and whether the sample teaches.
struct Verdict {
    bool correct;
    bool error;
};

class Teacher {
  public:
    virtual ~Teacher() = default;

    // Bits that it reads: the outputs of its layer.
    virtual std::size_t n_inputs() const = 0;
    // Targets: what labels count.
    virtual std::size_t n_targets() const = 0;
    virtual std::size_t n_logits() const = 0;
    // Rows of logits are padded to whole blocks.
    std::size_t o_stride() const { return blocks_for(n_logits()) * kLanes; }

    // Draws what is random in it. `index` counts layers from 1.
    virtual void draw(std::uint64_t seed, std::uint32_t index) = 0;
    // Step 1. o: n rows of o_stride().
    virtual void logits(const Context&, const Word* const* a, std::size_t n, std::int32_t* o) const = 0;
    // Step 2, for n samples.
    virtual void judge(const std::int32_t* o, const std::int32_t* targets, std::size_t n, Verdict* verdicts) const = 0;
    // Step 3: the desired activations of a sample of this target.
    virtual const Word* wanted(std::int32_t target) const = 0;

    // What learns in the teacher itself from its layer's activations, and with the same error signal; null if nothing
    // does.
    virtual Trained* learner() { return nullptr; }
    // For that: the desired answers, and what a sample chooses, both as in Choices. It is one group.
    virtual const Word* wanted_answers(std::int32_t) const { return nullptr; }
    virtual std::int32_t choose_answer(const std::int32_t*, std::int32_t) const { return -1; }
    // Takes over what target `target` has learnt, after the updates of a mini-batch.
    virtual void refresh(std::size_t) {}

    // The local classifier P, as rows of bits.
    virtual const BitMatrix& rows() const = 0;
    virtual void set_rows(const Word* rows) = 0;
};

struct ClassShape {
    std::size_t n_inputs;
    std::size_t n_classes;
    std::int32_t margin;  // of the error signal: floor(robustness * n_inputs)
};

// A random row for each class, drawn once and never trained.
class ClassTeacher : public Teacher {
  public:
    explicit ClassTeacher(const ClassShape& shape);

    std::size_t n_inputs() const override { return shape_.n_inputs; }
    std::size_t n_targets() const override { return shape_.n_classes; }
    std::size_t n_logits() const override { return shape_.n_classes; }

    void draw(std::uint64_t seed, std::uint32_t index) override;
    void logits(const Context&, const Word* const* a, std::size_t n, std::int32_t* o) const override;
    void judge(const std::int32_t* o, const std::int32_t* targets, std::size_t n, Verdict* verdicts) const override;
    const Word* wanted(std::int32_t target) const override { return p_.row(static_cast<std::size_t>(target)); }

    const BitMatrix& rows() const override { return p_; }
    void set_rows(const Word* rows) override;

  protected:
    void set_row(std::size_t c, const Word* row);
    // Makes row c the binary weights of a neuron.
    void copy_row(std::size_t c, const WeightBlocks& weights, std::size_t neuron);

  private:
    Verdict judge_one(const std::int32_t* o, std::int32_t target) const;

    ClassShape shape_;
    BitMatrix p_;            // rows of the local classifier
    WeightBlocks p_blocks_;  // the same bits, for the logits
};

// Two classes that share one random row, with opposite signs.
class SingleOutputTeacher final : public ClassTeacher {
  public:
    using ClassTeacher::ClassTeacher;

    void draw(std::uint64_t seed, std::uint32_t index) override;
};

// Rows that are the binary weights of neurons of their own, one a class, which learn from the true class where they are
// wrong.
class TrainedTeacher final : public ClassTeacher {
  public:
    TrainedTeacher(const ClassShape& shape, CounterRange range);

    // The learner's stream of random numbers comes after its layer's.
    void draw(std::uint64_t seed, std::uint32_t index) override;
    Trained* learner() override { return &neurons_; }
    const Word* wanted_answers(std::int32_t target) const override {
        return one_hot_.row(static_cast<std::size_t>(target));
    }
    std::int32_t choose_answer(const std::int32_t* o, std::int32_t target) const override {
        return o[target] < 0 ? target : -1;
    }
    void refresh(std::size_t target) override;

  private:
    Dense neurons_;
    BitMatrix one_hot_;  // +1 for the true class alone
};

}  // namespace bitlocal

"""Where training stands, and what a stretch of it counted."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class TrainingState:
    """Where training stands; with it, training goes on as if it had never stopped.

    Attributes
    ----------
    step, epoch : int
        Mini-batches and epochs so far.
    wrong, seen : int
        Samples misclassified, and presented, in the last complete epoch, or window of a stream: they rule the
        reinforcement.
    window : int or None
        Samples of a stream after which a window is complete; None for never, as on a device.
    window_rows, window_wrong, window_seen : int
        Samples gone through, misclassified and presented in the window that is not complete yet, but for those of a
        call that was interrupted.
    """

    step: int = 0
    epoch: int = 0
    wrong: int = 1
    seen: int = 1
    window: int | None = 1000
    window_rows: int = 0
    window_wrong: int = 0
    window_seen: int = 0

    def close(self, wrong: int, seen: int) -> None:
        """Complete an epoch or a window, in which so many samples were misclassified and presented."""
        if seen:  # weights may have left nothing to present
            self.wrong, self.seen = wrong, seen
        self.window_rows = self.window_wrong = self.window_seen = 0


@dataclass
class Counts:
    """What a stretch of training counted.

    Attributes
    ----------
    seen, correct : int
        Samples presented, and how many of them the network classified correctly before it learnt from them; here and
        below a sample counts as often as it is repeated.
    errors : list of int
        Samples with an error signal, for each layer; 0 in a frozen layer below others.
    batches : int
        Mini-batches.
    updates : list of int
        Updates of a neuron by a sample, for each layer, and for the trained classifier where there is one.
    draws, reinforced : list of int
        Random words that the reinforcement drew, and synapses that it moved, likewise.
    rows : int
        Samples gone through, each once.
    readout : int
        Updates of a row of a learned readout by a sample.
    """

    seen: int = 0
    correct: int = 0
    errors: list[int] = field(default_factory=list)
    batches: int = 0
    updates: list[int] = field(default_factory=list)
    draws: list[int] = field(default_factory=list)
    reinforced: list[int] = field(default_factory=list)
    rows: int = 0
    readout: int = 0

    @property
    def accuracy(self) -> float:
        """Share of the samples that were classified correctly when they were presented."""
        return self.correct / max(self.seen, 1)

    @property
    def error_share(self) -> tuple[float, ...]:
        """Share of samples with an error signal, for each layer."""
        return tuple(errors / max(self.seen, 1) for errors in self.errors)

    @property
    def is_settled(self) -> bool:
        """Whether samples were presented, all were classified correctly, and none taught anything."""
        return self.seen > 0 and self.correct == self.seen and not any(self.errors) and not any(self.updates)

    def add(self, other: Counts) -> None:
        """Add another stretch to this one."""
        self.seen += other.seen
        self.correct += other.correct
        self.batches += other.batches
        self.rows += other.rows
        self.readout += other.readout
        for name in ("errors", "updates", "draws", "reinforced"):
            more = getattr(other, name)
            setattr(self, name, [a + b for a, b in zip(getattr(self, name) or [0] * len(more), more, strict=True)])

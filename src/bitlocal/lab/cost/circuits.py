"""Operations as equivalent Boolean gates: every operation is a stated circuit of gates with two inputs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bitlocal.lab.cost.steps import Operation, Operations


@dataclass(frozen=True)
class GateCosts:
    """Gates of each operation.

    A gate has two inputs; inverters, and inverted inputs of a gate, are free. Circuits are the smallest of the
    textbooks: carries ripple, multiplier and divider are arrays. What is None below is derived from what stands above
    it, so that another full adder, say, changes every circuit that has one.

    Parameters
    ----------
    simple : int, default=1
        AND, OR, XOR, XNOR.
    full_adder : int, default=5
        2 XOR, 2 AND and 1 OR.
    half_adder : int, default=2
        1 XOR, 1 AND.
    multiplexer : int, default=3
        One of two bits, chosen by a third: 2 AND, 1 OR.
    exponent_bits, mantissa_bits : int, default=8, 24
        Of floating-point numbers, the mantissa with its leading 1; 11 and 53 are float64.
    random_word : int or None, default=None
        A random word of 64 bits. None for half a block of Philox4x32-10, which is what bitlocal draws.
    float_multiplication, float_addition, float_division, float_square_root, float_exponential : int or None
        None, the default, for the circuits that `docs/cost.md` describes, step by step.

    References
    ----------
    E. Swartzlander, "Parallel Counters", IEEE Transactions on Computers C-22 (1973) 1021-1024: counts of ones from full
    adders.
    A. Guyot, course on computer arithmetic, TIMA, Grenoble, "Floating-point addition": the blocks and widths of the
    adder.
    V. Oklobdzija, "An algorithmic and novel design of a leading zero detector circuit", IEEE Transactions on VLSI
    Systems 2 (1994) 124-128.
    M. Ercegovac, T. Lang, "Digital Arithmetic", Morgan Kaufmann 2004: arrays that multiply, divide and take roots.

    Examples
    --------
    >>> from bitlocal.lab.cost import GateCosts, Operation
    >>> costs = GateCosts()
    >>> costs.of(Operation("addition", 16)), costs.of(Operation("increment", 16))
    (77, 44)
    >>> costs.of(Operation("float multiplication", 32)), costs.of(Operation("float addition", 32))
    (3603, 1722)
    >>> GateCosts(full_adder=9).of(Operation("addition", 16))
    137
    """

    simple: int = 1
    full_adder: int = 5
    half_adder: int = 2
    multiplexer: int = 3
    exponent_bits: int = 8
    mantissa_bits: int = 24
    random_word: int | None = None
    float_multiplication: int | None = None
    float_addition: int | None = None
    float_division: int | None = None
    float_square_root: int | None = None
    float_exponential: int | None = None

    def of(self, operation: Operation) -> int:
        """Give the gates of one operation.

        Raises
        ------
        ValueError
            If there is no such kind of operation.
        """
        kind, bits = operation
        if kind.startswith("float "):
            return self._of_float(kind.removeprefix("float "))
        if kind == "random word":
            return philox_word(self) if self.random_word is None else self.random_word
        single = {"xnor": self.simple, "full adder": self.full_adder, "half adder": self.half_adder}
        if kind in single:
            return single[kind]
        circuits = {
            "addition": self.add,
            "comparison": self.compare,
            "maximum": self.maximum,
            "equality": self.equal,
            "increment": self.increment,
        }
        if kind not in circuits:
            raise ValueError(f"no gates are known for the operation {kind!r}")
        return circuits[kind](bits)

    # Integers ------------------------------------------------------------------------------------------------------

    def add(self, bits: int) -> int:
        """Add or subtract two numbers: a row of full adders, the first of which has no carry."""
        return self.half_adder + (bits - 1) * self.full_adder

    def compare(self, bits: int) -> int:
        """Tell whether a > b: the carries of their difference alone. A bit has 1 XOR, 2 AND, 1 OR; the first, 1 AND."""
        return (4 * (bits - 1) + 1) * self.simple

    def maximum(self, bits: int) -> int:
        """Choose the larger of two numbers."""
        return self.compare(bits) + bits * self.multiplexer

    def equal(self, bits: int) -> int:
        """Tell whether two numbers are equal."""
        return (2 * bits - 1) * self.simple

    def increment(self, bits: int) -> int:
        """Count up or down by 1: a bit has 1 XOR for the direction, 1 AND for the carry, 1 XOR for the sum.

        The first bit is always inverted, which costs nothing, and has the carry that its direction makes; the last one
        has no carry.
        """
        return max(3 * bits - 4, 0) * self.simple

    def increase(self, bits: int) -> int:
        """Add a single bit: a row of half adders."""
        return bits * self.half_adder

    def multiply(self, bits: int) -> int:
        """Multiply two numbers: an array of n**2 AND, n half adders and n (n - 2) full adders."""
        return bits * bits * self.simple + bits * self.half_adder + bits * (bits - 2) * self.full_adder

    def shift(self, bits: int, stages: int) -> int:
        """Shift by any number of places below 2**stages: a row of multiplexers for each bit of that number."""
        return bits * stages * self.multiplexer

    def leading_zeros(self, bits: int) -> int:
        """Count leading zeros by halves: whether a half has a 1, and the count of the half that has the first one."""
        width, gates = 2, self.simple
        stages = 1
        while width < bits:
            gates = 2 * gates + self.simple + stages * self.multiplexer
            width, stages = 2 * width, stages + 1
        return gates

    # Floating point ------------------------------------------------------------------------------------------------

    def _of_float(self, kind: str) -> int:
        given = {
            "multiplication": self.float_multiplication,
            "addition": self.float_addition,
            "division": self.float_division,
            "square root": self.float_square_root,
            "exponential": self.float_exponential,
        }.get(kind)
        if given is not None:
            return given
        circuits: dict[str, Callable[[], int]] = {
            "multiplication": self._multiplication,
            "addition": self._addition,
            "division": self._division,
            "square root": self._square_root,
            "exponential": self._exponential,
            "comparison": lambda: self.compare(self.exponent_bits + self.mantissa_bits),
            "selection": lambda: (self.exponent_bits + self.mantissa_bits) * self.simple,
            "conversion": self._conversion,
        }
        if kind not in circuits:
            raise ValueError(f"no gates are known for the operation 'float {kind}'")
        return circuits[kind]()

    def _ends(self, operands: int) -> int:
        """Tell whether an operand is 0 or not finite, by its exponent."""
        return operands * 2 * (self.exponent_bits - 1) * self.simple

    def _round(self) -> int:
        """Round to the nearest, ties to even: decide by three bits, and add 1 to the mantissa."""
        return 2 * self.simple + self.increase(self.mantissa_bits)

    def _result(self) -> int:
        """Put 0 or infinity in place of the result: each bit of the exponent AND, OR; each bit of the mantissa AND."""
        return (2 * self.exponent_bits + 1 + self.mantissa_bits - 1) * self.simple

    def _multiplication(self) -> int:
        e, m = self.exponent_bits, self.mantissa_bits
        normalise = (m + 1) * self.multiplexer  # by at most one place, with the rounding bit
        sticky = (m - 1) * self.simple  # whether any bit below the rounding bit is set
        # The sum with the carry of the normalisation, less the bias, and the carry of the rounding.
        exponent = e * self.full_adder + self.add(e + 1) + self.increase(e + 1)
        limits = (2 * e + 6) * self.simple  # whether it is too small or too large, or an operand was 0 or infinite
        sign = self.simple
        mantissa = self.multiply(m) + normalise + sticky + self._round()
        return sign + self._ends(2) + mantissa + exponent + limits + self._result()

    def _addition(self) -> int:
        e, m = self.exponent_bits, self.mantissa_bits
        # The operand of larger magnitude comes first; its sign is that of the result; subnormal numbers become 0.
        order = self.compare(e + m - 1) + (2 * (e + m - 1) + 1) * self.multiplexer
        zeros = 2 * (e - 1 + m - 1) * self.simple
        # The smaller one goes down by the difference of exponents, with a guard and a rounding bit; what leaves is seen
        # in a sticky bit; shifts beyond the rows of multiplexers leave nothing.
        stages = (m + 2).bit_length()
        align = self.add(e) + self.shift(m + 2, stages) + ((1 << stages) - 1 + stages) * self.simple
        align += (e - stages - 1 + m + 2 + 2) * self.simple
        # A sum, or a difference where signs differ.
        mantissas = (1 + m + 3 + 1) * self.simple + (m + 3) * self.full_adder
        # The first 1 goes to the top.
        wide = (m + 3).bit_length()
        normalise = self.leading_zeros(m + 4) + self.shift(m + 4, wide) + 2 * self.simple
        exponent = self.add(e) + (e - 1) * self.half_adder + self.full_adder  # less leading zeros, plus 1 and a carry
        limits = (e + 4 + e - 1) * self.simple  # whether it is too large, or the sum 0 or infinite
        return order + zeros + align + mantissas + normalise + self._round() + exponent + limits + self._result()

    def _division(self) -> int:
        e, m = self.exponent_bits, self.mantissa_bits
        # A restoring array: for each bit of the quotient, and one to round, a subtraction and a choice.
        array = (m + 1) * (m + 1) * (self.full_adder + self.multiplexer)
        remainder = m * self.simple  # whether it is 0
        normalise = m * self.multiplexer
        exponent = self.add(e) + self.add(e + 1) + self.increase(e + 1)
        limits = (2 * e + 6) * self.simple
        mantissa = array + remainder + normalise + self._round()
        return self.simple + self._ends(2) + mantissa + exponent + limits + self._result()

    def _square_root(self) -> int:
        e, m = self.exponent_bits, self.mantissa_bits
        # The same with rows that grow by one bit.
        array = sum(row + 2 for row in range(m + 1)) * (self.full_adder + self.multiplexer)
        remainder = m * self.simple
        normalise = m * self.multiplexer  # for odd exponents
        return self._ends(1) + array + remainder + normalise + self._round() + self.add(e) + self._result()

    def _exponential(self) -> int:
        """Take 2**k * exp(r): k = round(x / ln 2), r = x - k ln 2, and a polynomial of degree 5 by Horner's scheme."""
        multiplications, additions = 2 + 5, 1 + 5
        to_whole_and_back = 2 * self._conversion()
        return (
            multiplications * self.of(Operation("float multiplication", 32))
            + additions * self.of(Operation("float addition", 32))
            + to_whole_and_back
            + self.add(self.exponent_bits)
        )

    def _conversion(self) -> int:
        """Turn a whole number into a floating-point number: its magnitude, leading zeros, shift and exponent."""
        m = self.mantissa_bits
        magnitude = m * self.simple + self.increase(m)
        return magnitude + self.leading_zeros(m) + self.shift(m, (m - 1).bit_length()) + self.add(self.exponent_bits)


def philox_word(costs: GateCosts | None = None) -> int:
    """Give the gates of a 64-bit word of Philox4x32-10: a block has two words and ten rounds.

    A round multiplies two numbers of 32 bits by constants, with the full product, and has four XOR of 32 bits; between
    rounds, the key's two words grow by a constant. That the multiplicands are constants is not made use of.
    """
    costs = costs or GateCosts()
    rounds = 10 * (2 * costs.multiply(32) + 4 * 32 * costs.simple) + 9 * 2 * costs.add(32)
    return rounds // 2


def xorshift_word(costs: GateCosts | None = None) -> int:
    """Give the gates of a 64-bit word of Marsaglia's xorshift (13, 7, 17), for a circuit that needs no Philox.

    Three times, the word is XORed with itself, shifted; bits that a shift leaves empty take none.
    """
    costs = costs or GateCosts()
    return sum(64 - places for places in (13, 7, 17)) * costs.simple


def gates(operations: Operations, costs: GateCosts | None = None) -> dict[str, int]:
    """Turn operations into equivalent Boolean gates.

    Parameters
    ----------
    operations : Operations
        What `bitlocal.lab.cost.operations` counted.
    costs : GateCosts or None, default=None
        Gates of each operation; None for the defaults.

    Returns
    -------
    dict of str to int
        Gates of each step; their sum is the total.

    Examples
    --------
    >>> from bitlocal.lab.cost import gates, operations
    >>> binary = gates(operations("bmlp", 784, (1035,), 10))
    >>> binary
    {'forward': 4869675, 'logits': 61690, 'prediction': 666}
    >>> sum(gates(operations("sgd", 784, (1035,), 10)).values()) // sum(binary.values())
    886
    """
    costs = costs or GateCosts()
    return {
        step: sum(count * costs.of(operation) for operation, count in of_step.items())
        for step, of_step in operations.steps.items()
    }

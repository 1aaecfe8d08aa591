"""Planes of images, against a reference that goes place by place and looks for each threshold by its definition."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitlocal import BMLPClassifier, ImageEncoder, ThermometerEncoder, _core, load, pack, save


def images_of(shape, n=40, seed=0, dtype=np.uint8):
    """Images with edges, with places that are alike, and some that are blank."""
    random = np.random.default_rng(seed)
    images = random.integers(0, 256, (n, *shape))
    images[:, shape[0] // 2 :] //= 64
    images[::3, :, 0] = 200
    images[3] = 9
    images[4] = 0
    images[0, 0, 0], images[0, 0, 1] = 0, 255
    return images.astype(dtype)


# The reference ---------------------------------------------------------------------------------------------

# (name, whether it is large, weights), as docs/encoders.md has them
KERNELS = [
    ("pixel", False, [[1]]),
    ("right", False, [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]),
    ("down", False, [[-1, -2, -1], [0, 0, 0], [1, 2, 1]]),
    (
        "upright",
        True,
        [[0, 1, 2, 3, 4], [-1, 0, 2, 3, 3], [-2, -2, 0, 2, 2], [-3, -3, -2, 0, 1], [-4, -3, -2, -1, 0]],
    ),
    (
        "downright",
        True,
        [[-4, -3, -2, -1, 0], [-3, -3, -2, 0, 1], [-2, -2, 0, 2, 2], [-1, 0, 2, 3, 3], [0, 1, 2, 3, 4]],
    ),
    (
        "wideright",
        True,
        [
            [-3, -2, -1, 0, 1, 2, 3],
            [-4, -3, -2, 0, 2, 3, 4],
            [-5, -4, -3, 0, 3, 4, 5],
            [-6, -5, -4, 0, 4, 5, 6],
            [-5, -4, -3, 0, 3, 4, 5],
            [-4, -3, -2, 0, 2, 3, 4],
            [-3, -2, -1, 0, 1, 2, 3],
        ],
    ),
    (
        "widedown",
        True,
        [
            [-3, -4, -5, -6, -5, -4, -3],
            [-2, -3, -4, -5, -4, -3, -2],
            [-1, -2, -3, -4, -3, -2, -1],
            [0, 0, 0, 0, 0, 0, 0],
            [1, 2, 3, 4, 3, 2, 1],
            [2, 3, 4, 5, 4, 3, 2],
            [3, 4, 5, 6, 5, 4, 3],
        ],
    ),
]


def response(plane, weights, y, x):
    reach = len(weights) // 2
    total = 0
    for i, row in enumerate(weights):
        for j, weight in enumerate(row):
            v = min(max(y + i - reach, 0), plane.shape[0] - 1)
            u = min(max(x + j - reach, 0), plane.shape[1] - 1)
            total += weight * int(plane[v, u])
    return total


def limit(sizes, share, n_shares):
    """The smallest whole number that share / n_shares of the sizes do not exceed, at least."""
    wanted = -(-share * len(sizes) // n_shares)
    return next((t for t in sorted({0, *sizes}) if sum(size <= t for size in sizes) >= wanted), 0)


def ranked(responses, n):
    positive = [m for m in responses if m > 0]
    negative = [-m for m in responses if m < 0]
    above = [limit(positive, j, n) for j in range(n)]
    below = [limit(negative, j, n) for j in range(n)]
    return [sum(m > t for t in above) - sum(-m > t for t in below) for m in responses]


def ranks_of(image, n, step):
    height, width, channels = image.shape
    ranks = []
    for _, large, weights in KERNELS:
        by = step if large else 1
        for c in range(channels):
            responses = [
                response(image[:, :, c], weights, y, x) for y in range(0, height, by) for x in range(0, width, by)
            ]
            ranks += ranked(responses, n)
    return ranks


def telling(ranks, n):
    """The thermometer of these ranks, without bits that are the same in nearly all rows."""
    bits = ThermometerEncoder(2 * n).fit_transform(ranks)
    least = -(-len(ranks) // 100)
    return bits[:, (bits.sum(axis=0) >= least) & ((~bits).sum(axis=0) >= least)]


# Against it ------------------------------------------------------------------------------------------------

CASES = [
    ("planes3", (9, 8, 1), 3, 2),
    ("planes1/1", (5, 7, 1), 1, 1),
    ("planes4/3", (7, 6, 3), 4, 3),
    ("planes40/5", (4, 4, 2), 40, 5),
    ("planes2/4", (1, 2, 1), 2, 4),
]


@pytest.mark.parametrize(("parts", "shape", "n", "step"), CASES, ids=lambda v: str(v))
@pytest.mark.parametrize("dtype", [np.uint8, np.int16])
def test_planes(parts, shape, n, step, dtype):
    images = images_of(shape, dtype=dtype)
    if dtype == np.int16:
        images = (images.astype(int) * 257 - 32768).astype(np.int16)  # from the lowest to the highest
        images[4] = 0
    encoder = ImageEncoder(parts, shape=shape).fit(images)
    ranks = np.array([ranks_of(image, n, step) for image in images])
    stage = encoder.program_.stages[0]
    assert np.array_equal(stage.quantities(images.reshape(len(images), -1)), ranks)
    bits = encoder.transform(images)
    assert np.array_equal(bits, telling(ranks, n))
    names = encoder.get_feature_names_out()
    assert len(names) == len(set(names)) == bits.shape[1]


@settings(max_examples=100, deadline=None)
@given(
    numbers=st.lists(st.integers(-6, 6) | st.integers(1 - 2**31, 2**31 - 1), max_size=40),
    n_levels=st.integers(1, 12),
    cut=st.integers(0, 40),
)
def test_ranks(numbers, n_levels, cut):
    """What the core computes is the formula: 1 + floor(N b / n)."""
    cut = min(cut, len(numbers))
    expected = []
    for group in (numbers[:cut], numbers[cut:]):
        for m in group:
            alike = [abs(other) for other in group if other * m > 0]
            nearer = sum(size < abs(m) for size in alike)
            expected.append(int(np.sign(m)) * (1 + n_levels * nearer // len(alike)) if m else 0)
    first = np.array([0, cut, len(numbers)], dtype=np.uint32)
    rows = np.array([numbers, numbers], dtype=np.int32).reshape(2, len(numbers))
    assert _core.signed_ranks(rows, first, n_levels).tolist() == [expected, expected]


def test_brightness_and_contrast_do_not_matter():
    images = images_of((12, 10)) // 4
    encoder = ImageEncoder("planes3").fit(images)
    names = encoder.get_feature_names_out()
    edges = np.array([not name.startswith("rank pixel") for name in names])
    bits = encoder.transform(images)
    assert np.array_equal(encoder.transform(images * 3 + 40)[:, edges], bits[:, edges])
    assert np.array_equal(encoder.transform(images * 3)[:, ~edges], bits[:, ~edges])


def test_names():
    encoder = ImageEncoder("planes2", shape=(4, 5, 2)).fit(images_of((4, 5, 2)))
    names = encoder.program_.stages[0].quantities.names
    assert names[0] == "rank pixel(0,0,0)"
    assert names[-1] == "rank widedown(2,4,1)"
    assert len(names) == 2 * (3 * 20 + 4 * 6)
    assert "rank right(3,4,1)>-1" in encoder.get_feature_names_out()


def test_images_do_not_depend_on_each_other():
    images = images_of((12, 12), n=300)
    encoder = ImageEncoder("thermometer2+planes3+hog4").fit(images)
    bits = encoder.transform(images)
    assert np.array_equal(encoder.transform(images[7:8]), bits[7:8])
    assert np.array_equal(encoder.transform(images[200:]), bits[200:])
    assert np.array_equal(encoder.pack(images).words, pack(bits).words)


def test_fractions():
    images = images_of((6, 5))
    assert np.array_equal(
        ImageEncoder("planes3").fit_transform(images.astype(float)), ImageEncoder("planes3").fit_transform(images)
    )
    halves = ImageEncoder("planes3").fit(images / 510)
    assert halves.levels_ is not None
    expected = np.array([ranks_of(image[:, :, np.newaxis], 3, 2) for image in halves._image().whole(images / 510)])
    assert np.array_equal(halves.transform(images / 510), telling(expected, 3))


def test_blank_images_have_no_edges():
    assert ImageEncoder("planes3").fit(np.full((5, 8, 8), 7, dtype=np.uint8)).n_bits_ == 0


# Travelling, and errors ------------------------------------------------------------------------------------


def test_same_bits_from_a_model_file(tmp_path):
    images, labels = images_of((9, 9)), np.arange(40) % 2
    encoder = ImageEncoder("planes4/3+thermometer2")
    classifier = BMLPClassifier((45,), encoder=encoder, max_iter=1, random_state=0).fit(images, labels)
    save(classifier, tmp_path / "model")
    for other in (load(tmp_path / "model"), pickle.loads(pickle.dumps(classifier))):
        assert np.array_equal(other.encoder_.pack(images).words, classifier.encoder_.pack(images).words)
        assert np.array_equal(other.decision_function(images), classifier.decision_function(images))


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ("planes128", "at most planes127"),
        ("planes", "'planes' is unknown; use .*planesN/S"),
        ("planes3/2/2", "is unknown"),
        ("planes0", "is unknown"),
    ],
)
def test_bad_parts(parts, message):
    with pytest.raises(ValueError, match=message):
        ImageEncoder(parts).fit(images_of((6, 6)))


def test_images_that_are_too_large():
    with pytest.raises(ValueError, match="too much to compute"):
        ImageEncoder("planes3").fit(np.zeros((2, 400, 400), dtype=np.uint8))


def test_the_core_checks_its_arguments():
    numbers, first = np.zeros((2, 3), dtype=np.int32), np.array([0, 3], dtype=np.uint32)
    for arguments in (
        (numbers, first[:1].copy(), 2),
        (numbers, np.array([0, 2], dtype=np.uint32), 2),
        (numbers, first, 0),
        (numbers, first, 1 << 15),
        (np.full_like(numbers, -(2**31)), first, 2),
    ):
        with pytest.raises(ValueError, match="expected"):
            _core.signed_ranks(*arguments)

"""Words of a code book, against a reference that goes patch by patch in plain NumPy and Python."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from bitlocal import BMLPClassifier, ImageEncoder, ThermometerEncoder, _core, load, pack, save
from bitlocal.bits import PackedBits, unpack
from reference import words as random_words

SUPPORTED = [name for name, supported in _core.instruction_sets() if supported]


def images_of(shape, n=30, seed=0, dtype=np.uint8):
    """Images with edges and with flat places, so that some patches are left out."""
    random = np.random.default_rng(seed)
    images = random.integers(0, 256, (n, *shape))
    images[:, shape[0] // 2 :] //= 32  # nearly flat
    images[::3] = images[::3, ::-1] // 2 + 60
    images[0, 0, 0], images[0, 0, 1] = 0, 255
    return images.astype(dtype)


# The reference ---------------------------------------------------------------------------------------------


def above_mean(plane, by):
    return plane.size * (plane - by) > plane.sum()


def description(patch, margin):
    """Bits of a patch (side, side, channels), or None if it is flat."""
    patch = patch.astype(int)
    if patch.shape[2] == 3:
        red, green, blue = (patch[:, :, c] for c in range(3))
        planes = [(red + 2 * green + blue) // 4, red - green, (red + green) // 2 - blue]
    else:
        planes = [patch[:, :, 0]]
    light = planes[0]
    if light.max() - light.min() < max(margin * 4 // 3, 1):
        return None
    edge = margin * 4 // 5
    right, below = light[:, 1:] - light[:, :-1], light[1:] - light[:-1]
    bits = [above_mean(light, 0), above_mean(light, margin), above_mean(light, -margin)]
    bits += [right > edge, right < -edge, below > edge, below < -edge]
    for plane in planes[1:]:
        bits += [above_mean(plane, margin), above_mean(plane, -margin)]
    return np.concatenate([b.ravel() for b in bits])


def sampled(images, side, margin, seed):
    height, width = images.shape[1:3]
    rows, columns = height - side + 1, width - side + 1
    wanted = min(len(images) * rows * columns, 100_000)
    words = random_words(seed, 7, 3, 0, 0, 32 * wanted)
    found = []
    for draw in range(16 * wanted):
        image = int(words[2 * draw]) * len(images) >> 64
        y, x = divmod(int(words[2 * draw + 1]) * (rows * columns) >> 64, columns)
        bits = description(images[image, y : y + side, x : x + side], margin)
        if bits is not None:
            found.append(bits)
        if len(found) == wanted:
            break
    return np.array(found)


def clustered(samples, n_words, n_rounds):
    first = []
    for sample in samples:
        if len(first) < n_words and not any(np.array_equal(sample, other) for other in first):
            first.append(sample)
    words = np.array([first[m % len(first)] for m in range(n_words)])
    for _ in range(n_rounds):
        distances = (samples[:, np.newaxis] != words).sum(axis=2)
        nearest, distance = distances.argmin(axis=1), distances.min(axis=1)
        farthest = iter(np.lexsort((np.arange(len(samples)), -distance)).tolist())
        before = words.copy()
        for m in range(n_words):
            mine = samples[nearest == m]
            if len(mine):
                twice = 2 * mine.sum(axis=0)
                words[m] = np.where(twice == len(mine), before[m], twice > len(mine))
            elif (sample := next(farthest, None)) is not None:
                words[m] = samples[sample]
    return words


def counted(images, words, side, margin, grid=4, n_nearest=None):
    height, width = images.shape[1:3]
    rows, columns = height - side + 1, width - side + 1
    grid, n_nearest = min(grid, rows, columns), n_nearest or max(len(words) // 16, 1)
    counts = np.zeros((len(images), grid, grid, len(words)), dtype=int)
    for i, image in enumerate(images):
        for y in range(rows):
            for x in range(columns):
                bits = description(image[y : y + side, x : x + side], margin)
                if bits is not None:
                    nearest = np.argsort((words != bits).sum(axis=1), kind="stable")[:n_nearest]
                    counts[i, y * grid // rows, x * grid // columns, nearest] += 1
    return counts.reshape(len(images), -1)


def telling(counts, n_bits):
    """The thermometer of these counts, without bits that are the same in nearly all rows."""
    bits = ThermometerEncoder(n_bits).fit_transform(counts)
    least = -(-len(counts) // 100)
    return bits[:, (bits.sum(axis=0) >= least) & ((~bits).sum(axis=0) >= least)]


# Against it ------------------------------------------------------------------------------------------------

CASES = [
    ("words20", (9, 13, 1), 6, 3, 8),
    ("words33/3/2", (11, 7, 3), 3, 2, 8),
    ("words16/7/1", (8, 8, 1), 7, 1, 8),
    ("sampledwords40/4/2", (7, 70, 3), 4, 2, 0),
    ("words5/2", (5, 4, 1), 2, 3, 8),
    ("words64/5", (5, 5, 1), 5, 3, 8),  # more words than patches
    ("words30/4/2/3", (9, 8, 1), 4, 2, 8),
    ("words300/4/1/2/7", (9, 8, 3), 4, 1, 8),
    ("sampledwords20/3/2/1/20", (6, 8, 1), 3, 2, 0),
    ("words20/3/2/9/1", (6, 8, 1), 3, 2, 8),  # more cells than places
]


@pytest.mark.parametrize(("parts", "shape", "side", "n_bits", "n_rounds"), CASES, ids=lambda v: str(v))
@pytest.mark.parametrize("dtype", [np.uint8, np.int32])
def test_words(parts, shape, side, n_bits, n_rounds, dtype):
    images = images_of(shape, dtype=dtype)
    encoder = ImageEncoder(parts, shape=shape, random_state=4).fit(images)
    margin = 15  # of images from 0 to 255
    n_words = int(parts.split("/")[0].split("words")[1])
    samples = sampled(images, side, margin, 4)
    words = clustered(samples, n_words, n_rounds)
    stage = encoder.program_.stages[0]
    assert np.array_equal(unpack(PackedBits(stage.quantities.book, samples.shape[1])), words)
    flat = images.reshape(len(images), -1).astype(np.uint8 if dtype == np.uint8 else np.int16)
    counts = counted(images, words, side, margin, *[int(number) for number in parts.split("/")[3:]])
    assert np.array_equal(stage.quantities(flat), counts)
    bits = encoder.transform(images)
    assert np.array_equal(bits, telling(counts, n_bits))
    names = encoder.get_feature_names_out()
    assert len(set(names)) == bits.shape[1]


@pytest.mark.parametrize("isa", SUPPORTED)
def test_every_instruction_set_gives_the_same_bits(isa):
    images = images_of((20, 17), n=60)
    expected = ImageEncoder("words100/6").fit(images)
    before = _core.instruction_set()
    try:
        _core.use_instruction_set(isa)
        here = ImageEncoder("words100/6").fit(images)
        assert np.array_equal(here.program_.stages[0].quantities.book, expected.program_.stages[0].quantities.book)
        words = here.pack(images).words
    finally:
        _core.use_instruction_set(before)
    assert np.array_equal(words, expected.pack(images).words)


def test_images_do_not_depend_on_each_other():
    images = images_of((12, 12), n=300)
    encoder = ImageEncoder("thermometer2+words48/4+hog4").fit(images)
    bits = encoder.transform(images)
    assert np.array_equal(encoder.transform(images[7:8]), bits[7:8])
    assert np.array_equal(encoder.transform(images[200:]), bits[200:])
    assert np.array_equal(encoder.pack(images).words, pack(bits).words)


def test_fractions_and_16_bits():
    images = images_of((9, 9))
    bits = ImageEncoder("words20/4").fit_transform(images)
    assert np.array_equal(ImageEncoder("words20/4").fit_transform(images.astype(float)), bits)
    halves = ImageEncoder("words20/4").fit(images / 255)
    assert halves.levels_ is not None
    wide = images.astype(np.int32) * 200 - 20_000  # margins scale with the range of the images
    assert ImageEncoder("words20/4").fit_transform(wide).shape[0] == len(images)


def test_blank_images_have_no_words():
    blank = np.full((5, 8, 8), 7, dtype=np.uint8)
    encoder = ImageEncoder("words20/4").fit(blank)
    assert encoder.n_bits_ == 0
    assert not encoder.program_.stages[0].quantities.book.any()


# Travelling ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained():
    images, labels = images_of((9, 9), n=40), np.arange(40) % 2
    encoder = ImageEncoder("words33/4/3/3/5+thermometer2", random_state=3)
    return BMLPClassifier((45,), encoder=encoder, max_iter=1, random_state=0).fit(images, labels), images


def test_same_bits_from_a_model_file(tmp_path, trained):
    classifier, images = trained
    save(classifier, tmp_path / "model")
    for other in (load(tmp_path / "model"), pickle.loads(pickle.dumps(classifier))):
        assert np.array_equal(other.encoder_.pack(images).words, classifier.encoder_.pack(images).words)
        assert np.array_equal(other.decision_function(images), classifier.decision_function(images))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda words: words[:-1], "not of the shape"),
        (lambda words: words[:, :-8], "not of the shape"),
        (lambda words: words.astype(np.int16), "not of the shape or type"),
        (lambda words: words | np.uint8(128), "bits that patches do not have"),
    ],
)
def test_words_from_a_file_are_checked(trained, change, message):
    values, arrays = trained[0].encoder_.fitted()
    arrays["0.words"] = change(arrays["0.words"])
    with pytest.raises(ValueError, match=message):
        ImageEncoder("words33/4/3/3/5+thermometer2").restore(values, arrays, 81)
    del arrays["0.words"]
    with pytest.raises(LookupError):
        ImageEncoder("words33/4/3/3/5+thermometer2").restore(values, arrays, 81)


# Errors ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parts", "shape", "message"),
    [
        ("words16/9", (8, 12), "patches of side 9 are larger than images of shape .*side S of at most 8"),
        ("words16", (5, 8), "patches of side 6 are larger"),
        ("words16/17", (20, 20), "a side from 2 to 16"),
        ("words16/1", (20, 20), "a side from 2 to 16"),
        ("words9000", (8, 8), "at most 8192 words"),
        ("words16/4", (8, 8, 2), "1 channel, or 3 .*, got 2"),
        ("words16/4/2/2/2/2", (8, 8), "is unknown"),
        ("words16/4/2/2/17", (8, 8), "17 nearest words of 16: expected at most 16"),
        ("words16/4/2/1", (300, 300), "too large for words in 1 x 1 cells"),
        ("words8000/4/2/60", (70, 70), "too much to compute"),
        ("words", (8, 8), "is unknown; use .*wordsN/S/T/G/K"),
        ("hog4/4", (8, 8), "is unknown"),
        ("words16/4", (6, 1001), "too large for words"),
    ],
)
def test_bad_parts(parts, shape, message):
    with pytest.raises(ValueError, match=message):
        ImageEncoder(parts).fit(images_of(shape, n=2))


@pytest.mark.parametrize("arguments", [(8, 8, 2, 4, 15), (8, 8, 1, 9, 15), (8, 8, 1, 1, 15), (8, 8, 1, 4, -1)])
def test_the_core_checks_patches(arguments):
    with pytest.raises(ValueError, match="expected"):
        _core.Patches(*arguments)


def test_the_core_checks_words():
    patches = _core.Patches(8, 8, 1, 4, 15)
    images = np.zeros((2, 64), dtype=np.uint8)
    book = np.zeros((4, 2), dtype=np.uint64)
    for arguments in ((images[:, :63].copy(), book, 1, 1), (images, book[:, :1].copy(), 1, 1), (images, book, 5, 1)):
        with pytest.raises(ValueError, match="expected"):
            patches.count_words(*arguments)
    with pytest.raises(ValueError, match="grid"):
        patches.count_words(images, book, 1, 6)
    with pytest.raises(ValueError, match="zeros after n_bits"):
        patches.count_words(images, ~book, 1, 1)

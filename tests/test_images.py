"""ImageEncoder, against a reference that goes pixel by pixel."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import FeatureUnion

from bitlocal import BMLPClassifier, ImageEncoder, MedianBinarizer, ThermometerEncoder, _core, load, pack, save

NEIGHBOURS = [(0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1)]


def random_images(shape, n=40, seed=0, high=256, dtype=np.uint8):
    return np.random.default_rng(seed).integers(0, high, (n, *shape)).astype(dtype)


def encoded(encoder, images):
    bits = encoder.transform(images)
    assert bits.shape == (len(images), encoder.n_bits_)
    assert len(set(encoder.get_feature_names_out())) == encoder.n_bits_
    return bits


# Each part, by hand ----------------------------------------------------------------------------------------


def differences(image, offsets, margin):
    """Bits of one image (height, width, channels): offset by offset, pixel by pixel, channel by channel."""
    height, width, channels = image.shape
    bits = []
    for dy, dx in offsets:
        for y in range(height):
            for x in range(width):
                if 0 <= y + dy < height and 0 <= x + dx < width:
                    for c in range(channels):
                        bits.append(int(image[y, x, c]) - int(image[y + dy, x + dx, c]) > margin)
    return bits


SHAPES = st.sampled_from([(3, 3, 1), (4, 7, 1), (5, 4, 3), (2, 6, 2)])


@settings(max_examples=30, deadline=None)
@given(shape=SHAPES, seed=st.integers(0, 99), margin=st.sampled_from([0.0, 0.05, 0.3]), far=st.integers(1, 2))
def test_gradient_and_census(shape, seed, margin, far):
    images = random_images(shape, seed=seed)
    offsets = [(dy * k, dx * k) for k in range(1, far + 1) for dy, dx in NEIGHBOURS]
    in_range = int(margin * (int(images.max()) - int(images.min())))
    for part, least in (("gradient", in_range), ("census", 0)):
        encoder = ImageEncoder(f"{part}{8 * far}", shape=shape, margin=margin).fit(images)
        expected = [differences(image, offsets, least) for image in images]
        assert encoded(encoder, images).tolist() == expected


@pytest.mark.parametrize("shape", [(5, 6, 1), (7, 5, 2)])
def test_local(shape):
    images = random_images(shape)
    encoder = ImageEncoder("local2", shape=shape, margin=0.1).fit(images)
    margin = int(0.1 * (int(images.max()) - int(images.min())))
    for image, bits in zip(images, encoded(encoder, images), strict=True):
        expected = []
        for r in (1, 2):
            padded = np.pad(image.astype(int), ((r, r), (r, r), (0, 0)), mode="edge")
            for y in range(shape[0]):
                for x in range(shape[1]):
                    for c in range(shape[2]):
                        window = padded[y : y + 2 * r + 1, x : x + 2 * r + 1, c]
                        # Brighter than the mean by more than the margin, without the fraction.
                        expected.append(window.size * (int(image[y, x, c]) - margin) > window.sum())
        assert bits.tolist() == expected


@settings(max_examples=20, deadline=None)
@given(shape=SHAPES, seed=st.integers(0, 99), cell=st.sampled_from([None, 1, 2]), n=st.integers(1, 5))
def test_hog(shape, seed, cell, n):
    images = random_images(shape, seed=seed)
    encoder = ImageEncoder(f"hog{n}", shape=shape, cell_size=cell).fit(images)
    margin = int(0.0625 * (int(images.max()) - int(images.min())))
    side = cell or max(round(min(shape[:2]) * 5 / 28), 2)
    step = max(side // 2, 1)
    counts = []
    for image in images.astype(int):
        mine = []
        for dy, dx in NEIGHBOURS:
            for y0 in range(0, shape[0] - side + 1, step):
                for x0 in range(0, shape[1] - side + 1, step):
                    for c in range(shape[2]):
                        count = 0
                        for y in range(y0, y0 + side):
                            for x in range(x0, x0 + side):
                                if 0 <= y + dy < shape[0] and 0 <= x + dx < shape[1]:
                                    count += image[y, x, c] - image[y + dy, x + dx, c] > margin
                        mine.append(count)
        counts.append(mine)
    counts = np.array(counts)
    assert np.array_equal(encoded(encoder, images), ThermometerEncoder(n).fit_transform(counts))


def test_thermometer_is_that_of_the_pixels():
    images = random_images((6, 5))
    flat = images.reshape(len(images), -1)
    encoder = ImageEncoder("thermometer3", shape=(6, 5)).fit(images)
    assert np.array_equal(encoded(encoder, images), ThermometerEncoder(3).fit_transform(flat))
    assert encoder.get_feature_names_out()[0].startswith("pixel(0,0)>")


@pytest.mark.parametrize(("shape", "side"), [((6, 4, 1), 2), ((7, 9, 1), 3), ((5, 7, 2), 4), ((3, 3, 3), 1)])
@pytest.mark.parametrize("dtype", [np.uint8, np.int16])
def test_pool(shape, side, dtype):
    images = random_images(shape, dtype=dtype) * (dtype == np.uint8 or -100)
    encoder = ImageEncoder(f"pool3/{side}", shape=shape).fit(images)
    sums = [
        [
            image[y : y + side, x : x + side, c].astype(int).sum()
            for y in range(0, shape[0], side)
            for x in range(0, shape[1], side)
            for c in range(shape[2])
        ]
        for image in images
    ]
    assert np.array_equal(encoded(encoder, images), ThermometerEncoder(3).fit_transform(sums))
    if side == 2:
        assert np.array_equal(encoder.transform(images), ImageEncoder("pool3", shape=shape).fit_transform(images))
        assert encoder.get_feature_names_out()[-1].startswith("sum(4:6,2:4)>")
    if side == 4:
        assert encoder.get_feature_names_out()[-1].startswith("sum(4:5,4:7,1)>")


def test_pairs_are_near_each_other_and_differ():
    images = random_images((9, 7, 2))
    encoder = ImageEncoder("pairs300", shape=(9, 7, 2), radius=2).fit(images)
    bits = encoder.transform(images[:5])
    margin = int(0.0625 * (int(images.max()) - int(images.min())))
    for i, name in enumerate(encoder.get_feature_names_out()):
        first, second = (tuple(map(int, p.split(")")[0].split(","))) for p in name.split("pixel(")[1:])
        assert first != second
        assert first[2] == second[2]
        assert abs(first[0] - second[0]) <= 2
        assert abs(first[1] - second[1]) <= 2
        for image, row in zip(images[:5].astype(int), bits, strict=True):
            assert row[i] == (image[first] - image[second] > margin)


def test_patches_count_agreements():
    images = random_images((6, 6), high=4)
    encoder = ImageEncoder("patches50", radius=1, random_state=5).fit(images)
    draws = _core.random_words(5, 7, 1, 0, 0, 150).reshape(3, 50)
    y, x = draws[0] % 4, draws[1] % 4
    patterns = _core.random_words(5, 7, 2, 0, 0, 50)
    light = images > np.median(images)
    agreements = np.zeros((len(images), 50), dtype=int)
    for i in range(50):
        for k in range(9):
            wanted = bool(int(patterns[i]) >> k & 1)
            agreements[:, i] += light[:, int(y[i]) + k // 3, int(x[i]) + k % 3] == wanted
    assert np.array_equal(encoder.transform(images), ThermometerEncoder(1).fit_transform(agreements))


def test_parts_follow_each_other():
    images = random_images((8, 8))
    parts = ["thermometer2", "pool2/3", "hog3", "local1", "patches70", "gradient8", "planes3", "pairs65"]
    whole = ImageEncoder("+".join(parts)).fit(images)
    each = [ImageEncoder(part).fit(images) for part in parts]
    assert np.array_equal(whole.transform(images), np.hstack([one.transform(images) for one in each]))
    assert whole.get_feature_names_out().tolist() == [n for one in each for n in one.get_feature_names_out()]
    union = FeatureUnion([(part, ImageEncoder(part)) for part in parts]).fit(images)
    assert np.array_equal(whole.transform(images), union.transform(images))


# Forms of images -------------------------------------------------------------------------------------------

ALL = "thermometer3+pool2/3+gradient8+census8+local1+pairs40+patches40+hog3+planes2"


def test_shapes():
    images = random_images((6, 6, 3))
    flat = images.reshape(len(images), -1)
    bits = ImageEncoder(ALL, radius=2).fit_transform(images)
    for other in (
        ImageEncoder(ALL, radius=2).fit_transform(flat),  # 108 = 6 * 6 * 3
        ImageEncoder(ALL, shape=(6, 6, 3), radius=2).fit_transform(flat),
        ImageEncoder(ALL, radius=2).fit(images).transform(flat),
    ):
        assert np.array_equal(bits, other)
    assert ImageEncoder("hog2").fit(random_images((36,))).shape_ == (6, 6, 1)
    assert ImageEncoder("hog2").fit(random_images((4, 9))).shape_ == (4, 9, 1)


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.int32, np.int64, np.uint16, np.float32, np.float64])
def test_the_type_of_whole_numbers_does_not_matter(dtype):
    images = random_images((6, 6), high=100)
    encoder = ImageEncoder(ALL, radius=2).fit(images)
    bits = encoder.transform(images)
    assert np.array_equal(encoder.transform(images.astype(dtype)), bits)
    assert np.array_equal(ImageEncoder(ALL, radius=2).fit_transform(images.astype(dtype)), bits)


def test_fractions_become_levels():
    images = random_images((6, 6)).astype(np.float32)
    images[0, 0, :2] = 0, 255
    encoder = ImageEncoder(ALL, radius=2).fit(images / 255)
    assert encoder.levels_ is not None
    levels = np.searchsorted(encoder.levels_, (images / 255).reshape(len(images), -1), side="left").astype(np.uint8)
    assert np.array_equal(
        encoder.transform(images / 255), ImageEncoder(ALL, shape=(6, 6), radius=2).fit_transform(levels)
    )
    large = random_images((6, 6), high=2**31, dtype=np.int64)
    assert ImageEncoder(ALL, radius=2).fit(large).levels_ is not None


def test_booleans_and_constant_images():
    images = random_images((6, 6), high=2).astype(bool)
    assert ImageEncoder(ALL, radius=2).fit_transform(images).any()
    blank = np.full((5, 6, 6), 7, dtype=np.uint8)
    assert not ImageEncoder("gradient8").fit_transform(blank).any()
    assert ImageEncoder("thermometer4+hog4").fit(blank).n_bits_ == 0


def test_rows_do_not_depend_on_each_other():
    images = random_images((20, 20), n=700)
    encoder = ImageEncoder(ALL, radius=2).fit(images)
    bits = encoder.transform(images)
    assert np.array_equal(encoder.transform(images[:1]), bits[:1])
    assert np.array_equal(encoder.transform(images[300:]), bits[300:])
    assert np.array_equal(encoder.pack(images).words, pack(bits).words)


# Travelling ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("parts", [ALL, "hog4", "thermometer2", "patches30"])
@pytest.mark.parametrize("divisor", [1, 255.0])
def test_same_bits_from_a_model_file(tmp_path, parts, divisor):
    images, labels = random_images((6, 6)) / divisor, np.arange(40) % 2
    classifier = BMLPClassifier(
        (45,), encoder=ImageEncoder(parts, radius=2, random_state=3), max_iter=1, random_state=0
    )
    classifier.fit(images, labels)
    assert classifier.n_features_in_ == 36
    save(classifier, tmp_path / "model")
    reloaded = load(tmp_path / "model")
    for other in (reloaded, pickle.loads(pickle.dumps(classifier))):
        assert np.array_equal(other.encoder_.pack(images).words, classifier.encoder_.pack(images).words)
        assert np.array_equal(other.decision_function(images), classifier.decision_function(images))
        assert other.encoder_.get_feature_names_out().tolist() == classifier.encoder_.get_feature_names_out().tolist()
    assert reloaded.encoder.get_params() == classifier.encoder.get_params()


def test_a_union_travels(tmp_path):
    images, labels = random_images((6, 6)), np.arange(40) % 2
    union = FeatureUnion([("edges", ImageEncoder("hog3", shape=(6, 6))), ("light", ImageEncoder("thermometer2"))])
    numbers = FeatureUnion([("median", MedianBinarizer()), ("levels", ThermometerEncoder(3))])
    mixed = FeatureUnion([("edges", ImageEncoder("hog3")), ("levels", ThermometerEncoder(3))])
    for encoder, X in ((union, images), (numbers, images.reshape(40, -1)), (mixed, images.reshape(40, -1))):
        classifier = BMLPClassifier((45,), encoder=encoder, max_iter=2, random_state=0).fit(X, labels)
        bits = pack(clone(encoder).fit_transform(X, labels))
        assert np.array_equal(classifier.network_.logits(bits)[:, 1], classifier.logits(X)[:, 1])
        save(classifier, tmp_path / "model")
        reloaded = load(tmp_path / "model")
        assert np.array_equal(reloaded.decision_function(X), classifier.decision_function(X))
        assert [name for name, _ in reloaded.encoder.transformer_list] == [name for name, _ in encoder.transformer_list]


def test_classifier_takes_images_by_spec(tmp_path):
    images, labels = random_images((6, 6)), np.arange(40) % 2
    by_spec = BMLPClassifier((45,), encoder="image:thermometer2+hog3", max_iter=2, random_state=0).fit(images, labels)
    by_encoder = BMLPClassifier((45,), encoder=ImageEncoder("thermometer2+hog3"), max_iter=2, random_state=0)
    by_encoder.fit(images.reshape(40, -1), labels)
    assert by_spec.network_.hidden_sha256() == by_encoder.network_.hidden_sha256()


# Errors ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("encoder", "message"),
    [
        (ImageEncoder("hog"), "'hog' is unknown; use thermometerN, gradientN"),
        (ImageEncoder("edges4"), "'edges4' is unknown"),
        (ImageEncoder("hog4/2"), "'hog4/2' is unknown; use .*poolN/S or median"),
        (ImageEncoder("pool4/7"), "squares of side 7 are larger than the images"),
        (ImageEncoder("thermometer4+"), "'' is unknown"),
        (ImageEncoder("gradient4"), "gradient4 is not a multiple of 8; use gradient8 or gradient16"),
        (ImageEncoder("gradient99999992"), "'gradient99999992' is unknown"),
        (ImageEncoder("gradient800000"), "too much to compute for images of shape"),
        (ImageEncoder("local3"), "local3 is too large"),
        (ImageEncoder("patches9"), "radius=3 is too large"),
        (ImageEncoder("pairs9", radius=0), "radius=0: expected a whole number of at least 1"),
        (ImageEncoder(margin=2), "margin=2: expected a number from 0 to 1"),
        (ImageEncoder(cell_size=7), "cell_size=7 is too large"),
        (ImageEncoder(cell_size=1.5), "cell_size=1.5: expected a whole number"),
        (ImageEncoder(shape=(6,)), "expected .height, width."),
        (ImageEncoder(shape=(5, 5)), "does not fit images of shape"),
    ],
    ids=repr,
)
def test_bad_parameters(encoder, message):
    with pytest.raises(ValueError, match=message):
        encoder.fit(random_images((6, 6)))


def test_bad_images():
    encoder = ImageEncoder("hog3")
    with pytest.raises(NotFittedError):
        encoder.transform(random_images((6, 6)))
    with pytest.raises(ValueError, match="35 numbers are no square image"):
        clone(encoder).fit(random_images((35,)))
    with pytest.raises(ValueError, match="minimum of 2 is required"):
        clone(encoder).fit(random_images((6, 6), n=1))
    with pytest.raises(ValueError, match=r"expected images of shape .*, got \(2, 2, 2, 2\)"):
        clone(encoder).fit(random_images((2, 2, 2, 2)))
    with pytest.raises(ValueError, match=r"channels come first, put them last, as by X.transpose\(0, 2, 3, 1\)"):
        clone(encoder).fit(random_images((3, 8, 8)))
    encoder.fit(random_images((6, 6)))
    with pytest.raises(ValueError, match=r"images of shape \(5, 5\), but those of fit have shape \(6, 6, 1\)"):
        encoder.transform(random_images((5, 5)))
    for bad, message in ((np.nan, "NaN"), (np.inf, "infinity")):
        images = random_images((6, 6)).astype(float)
        images[3, 3, 3] = bad
        for method in (encoder.transform, clone(encoder).fit):
            with pytest.raises(ValueError, match=message):
                method(images)

"""Settings, of which one must be made before scikit-learn is imported, and small data that several tests share."""

import os
import signal

# Without this, scikit-learn skips its estimator check `check_array_api_input`; SciPy reads it on import.
os.environ.setdefault("SCIPY_ARRAY_API", "1")

import numpy as np
import pytest
from hypothesis import settings

# A shell that starts the tests in the background has them ignore interrupts, and what they start inherits that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Everyone's runs look for new examples; CI repeats the same ones, so that its result depends on the change alone.
settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("ci")


@pytest.fixture(scope="session")
def real_data():
    """Three noisy clouds: real numbers, 180 samples of 6 features, classes 0, 1, 2. Read-only."""
    rng = np.random.default_rng(7)
    y = rng.integers(0, 3, 180)
    X = 2 * rng.normal(size=(3, 6))[y] + rng.normal(size=(180, 6))
    X.flags.writeable = y.flags.writeable = False
    return X, y


@pytest.fixture(scope="session")
def bit_data():
    """Three noisy prototypes: booleans, 250 samples of 70 features, classes 0, 1, 2. Read-only."""
    rng = np.random.default_rng(8)
    y = rng.integers(0, 3, 250)
    X = (rng.random((3, 70)) < 0.5)[y] ^ (rng.random((250, 70)) < 0.25)
    X.flags.writeable = y.flags.writeable = False
    return X, y

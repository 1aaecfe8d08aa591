"""BITLOCAL_WATCHDOG tells where a step of training is, and changes nothing."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import numpy as np
import pytest

from bitlocal.bits import pack
from bitlocal.network import BinaryNetwork
from bitlocal.watchdog import watch
from specs import flat_spec


class Stuck:
    def positions(self):
        return [(7, "forward"), (7, "exchange")]


def test_a_step_that_hangs_is_told_of(monkeypatch, capfd):
    monkeypatch.setenv("BITLOCAL_WATCHDOG", "0.05")
    with watch(Stuck()):
        time.sleep(0.4)
    told = capfd.readouterr().err
    assert "a step of training has taken more than 0.05 s" in told
    assert "trainer thread 1: exchange, mini-batch 7" in told
    assert "test_a_step_that_hangs_is_told_of" in told  # the stack of this thread
    assert told.count("more than 0.05 s") >= 2


@pytest.mark.parametrize("value", [None, "", "60"])
def test_nothing_is_told_of_a_step_that_ends(monkeypatch, capfd, value):
    if value is None:
        monkeypatch.delenv("BITLOCAL_WATCHDOG", raising=False)
    else:
        monkeypatch.setenv("BITLOCAL_WATCHDOG", value)
    network, other = (BinaryNetwork(flat_spec(9, (15,), 2, 5)) for _ in range(2))
    X, y = pack(np.random.default_rng(0).random((50, 9)) < 0.5), np.arange(50) % 2
    network.train_epoch(X, y, batch_size=5, n_threads=2)
    assert capfd.readouterr().err == ""
    monkeypatch.delenv("BITLOCAL_WATCHDOG", raising=False)
    other.train_epoch(X, y, batch_size=5)
    assert network.hidden_sha256() == other.hidden_sha256()


@pytest.mark.parametrize("value", ["soon", "0", "-1", "nan", "inf"])
def test_what_is_no_time(monkeypatch, value):
    monkeypatch.setenv("BITLOCAL_WATCHDOG", value)
    with pytest.raises(ValueError, match=r"BITLOCAL_WATCHDOG=.*expected a number of seconds"), watch(Stuck()):
        pass


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_process_trains_on(tmp_path):
    """Threads do not survive a fork; the network makes new ones, and the process ends."""
    code = """
import os, numpy as np
from bitlocal.bits import pack
from bitlocal.network import BinaryNetwork
from bitlocal.parameters import compose
spec = compose({"hidden_layer_sizes": 30}, n_inputs=9, n_classes=2)
X, y = pack(np.random.default_rng(0).random((80, 9)) < 0.5), np.arange(80) % 2
network = BinaryNetwork(spec)
network.train_stream(X, y, batch_size=10, n_threads=3)
child = os.fork()
network.train_stream(X, y, batch_size=10, n_threads=3)
digest = network.hidden_sha256()
if child == 0:
    with open("digest", "w") as file:
        file.write(digest)
else:
    assert os.waitpid(child, 0)[1] == 0
    with open("digest") as file:
        assert file.read() == digest
"""
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", code]
    subprocess.run(command, check=True, timeout=60, cwd=tmp_path)

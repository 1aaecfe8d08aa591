"""`bitlocal.export.c`: a classifier as C99 source files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from numpy.typing import ArrayLike

from bitlocal.export import model
from bitlocal.export.c99.encoder import code_for
from bitlocal.export.c99.layouts import Layout, arrange
from bitlocal.export.c99.learning import Learner
from bitlocal.export.c99.network import Network, check_prefix, joined
from bitlocal.export.c99.plan import make_plan
from bitlocal.export.c99.samples import samples_header
from bitlocal.export.c99.texts import Texts
from bitlocal.export.errors import ExportError
from bitlocal.files.atomic import write_file


def c(
    classifier: Any,
    out: str | os.PathLike[str],
    *,
    learn: bool = False,
    prefix: str = "bmlp",
    layout: str = "plain",
    batch_size: int | None = None,
    counter_bits: int | None = None,
    features: str | None = None,
    samples: ArrayLike | None = None,
) -> list[Path]:
    """Write a classifier as C99 source files, to infer and, on request, to go on learning.

    Parameters
    ----------
    classifier : BMLPClassifier, Pipeline or search
        Fitted; what is no classifier is made one by `bitlocal.fold`.
    out : path-like
        Folder for the files; it is made if it is not there.
    learn : bool, default=False
        Whether to write what learning on the device needs, too.
    prefix : str, default="bmlp"
        What the names of files, functions and types begin with; macros have it in upper case.
    layout : {"plain", "cmake", "make", "arduino"}, default="plain"
        Header and source alone; with a program that predicts samples and checks itself, and what builds it; or as a
        library for the Arduino IDE.
    batch_size : int or None, default=None
        Samples of a mini-batch on the device, 1 to 4096. None for the classifier's.
    counter_bits : int or None, default=None
        Bits of a counter, 2 to 16. None for as few as hold the range that the classifier's `hidden_clip` allows: 4 for
        15, 8 for 255, 16 for None.
    features : {"uint8", "int8", "uint16", "int16", "int32", "float"}, optional
        Type of a feature. By default what suits the encoder.
    samples : array-like of shape (n_samples, n_features), optional
        Samples for that program. By default a few of random numbers.

    Returns
    -------
    list of Path
        The files that were written.

    Raises
    ------
    ExportError
        If the classifier cannot be exported as asked; the message says why, and what to do.
    OSError
        If a file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> import bitlocal
    >>> from bitlocal import export
    >>> clf = bitlocal.BMLPClassifier((45,), encoder=None, random_state=0).fit([[0, 1], [1, 0]] * 9, ["a", "b"] * 9)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     [path.name for path in export.c(clf, folder, prefix="tiny")]
    ['tiny.h', 'tiny.c']
    """
    texts = Texts(check_prefix(prefix))
    if layout not in list(Layout):
        raise ExportError(f"layout={layout!r}: expected one of {', '.join(one.value for one in Layout)}")
    found = model.of(classifier, learn=learn)
    plan = make_plan(found, batch_size=batch_size, counter_bits=counter_bits)
    code = code_for(found.program, found.n_features, prefix, features)
    network = Network(plan, code, texts)
    header, source = network.header(), network.source()
    if learn:
        learner = Learner(network)
        header, source = network.header(learner.header()), source + learner.source()
    contents = arrange(
        Layout(layout), texts, header, joined(source), lambda: samples_header(found, code, texts, samples)
    )
    folder = Path(out)
    written = [folder / name for name in contents]
    for path, text in zip(written, contents.values(), strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_file(path, text.encode())
    return written

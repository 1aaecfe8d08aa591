"""Binary neural networks trained natively: XNOR, popcount and integer counters.

The main class is `BMLPClassifier`, which behaves like any scikit-learn classifier. What this package offers is listed
in `__init__.pyi`; each name is loaded, with what it needs, when it is first asked for.
"""

import lazy_loader

_load, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version

        return version("bitlocal")
    return _load(name)

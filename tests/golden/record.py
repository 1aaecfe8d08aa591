"""Write the golden record anew, in the folder `tests`: python -m golden.record

Only together with a new version and a reason in CHANGELOG.md: whoever trained, saved or exported with a release must
get the same from the next one.
"""

from __future__ import annotations

import json

import bitlocal
from golden.cases import CASES, MODELS
from golden.digests import FOLDER, classifier_digests, export_digests, predictions


def main() -> None:
    """Train, export and save everything."""
    record = {
        "networks": {name: classifier_digests(case.fitted(1), case.data[0]) for name, case in CASES.items()},
        "exports": export_digests(),
    }
    (FOLDER / "digests.json").write_text(json.dumps(record, indent=1) + "\n")
    saved = {}
    for name, (of, inference_only) in MODELS.items():
        classifier = CASES[of].fitted(1)
        bitlocal.save(classifier, FOLDER / "models" / f"{name}.safetensors", inference_only=inference_only)
        saved[name] = predictions(classifier, CASES[of].data[0])
    (FOLDER / "predictions.json").write_text(json.dumps(saved) + "\n")


if __name__ == "__main__":
    main()

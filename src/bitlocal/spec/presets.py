"""Presets: what parameters mean where nobody gave them a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bitlocal.spec import MOST_READ, Rule, default_group_size
from bitlocal.spec.constraints import LayerSizes


@dataclass(frozen=True, kw_only=True)
class Preset:
    """What the parameters of `BMLPClassifier` mean that are None, and what its encoder "auto" is.

    Attributes
    ----------
    meaning : str
        What it is for and what it costs, in one line.
    hidden_layer_sizes : tuple of int, default=(1035,)
        Neurons in each trained layer.
    group_size : int, default=45
        What the group size is close to: the divisor of every layer's size that is closest.
    robustness, reinforcement, hidden_clip
        As in `Rule`.
    batch_size : int, default=100
        Samples in a mini-batch.
    epochs, steps : int, default=20, 2000
        Epochs, and how many mini-batches they should make at least: small data get up to ten times as many epochs.
    images : str
        The encoder of images with one channel, by name.
    colour_images : str
        That of images with red, green and blue.
    colour_margin : float, default=0.032
        What counts as brighter there, as a share of the range.
    other_images : str, default="image:thermometer4+hog4"
        That of images with a side of less than 16 pixels, or other channels.
    tables : str, default="table"
        That of tables with text or categories, by name.
    numbers : str or None, default=None
        That of other numbers, by name; None for a thermometer whose bits follow the number of features.
    trials : bool, default=True
        Whether tables are tried with other encoders, too, on samples that are held out.
    readout : str, default="auto"
        "votes", "learned", or "auto" for the one that is right more often on samples that are held out.
    """

    meaning: str
    hidden_layer_sizes: tuple[int, ...] = (1035,)
    group_size: int = 45
    robustness: float = Rule.robustness
    reinforcement: float = Rule.reinforcement
    hidden_clip: int | None = Rule.hidden_clip
    batch_size: int = 100
    epochs: int = 20
    steps: int = 2000
    images: str = "image:planes1+words512/4/2/4/25+words256/8/2/4/16+hog4"
    colour_images: str = "image:words800/4/2/3/25+words800/6/1/3/25"
    colour_margin: float = 0.032
    other_images: str = "image:thermometer4+hog4"
    tables: str = "table"
    numbers: str | None = None
    trials: bool = True
    readout: str = "auto"

    def n_epochs(self, n_samples: int, batch_size: int) -> int:
        """Give the number of epochs for so many samples.

        Examples
        --------
        >>> from bitlocal.spec.presets import PRESETS
        >>> PRESETS[None].n_epochs(60000, 100), PRESETS[None].n_epochs(4000, 100), PRESETS[None].n_epochs(150, 100)
        (20, 50, 200)
        """
        steps_per_epoch = -(-n_samples // batch_size)
        return min(max(-(-self.steps // steps_per_epoch), self.epochs), 10 * self.epochs)


PRESETS: Mapping[str | None, Preset] = {
    None: Preset(meaning="the best all-round settings for the kind of data"),
    "published": Preset(
        meaning="the publication's settings: one median for all features, groups of 15, 50 epochs",
        group_size=15,
        reinforcement=0.5,
        epochs=50,
        steps=0,
        images="image:median",
        colour_images="image:median",
        other_images="image:median",
        numbers="median",
        trials=False,
        readout="votes",
    ),
    "accurate": Preset(
        meaning="the most accurate settings, for several times the time and the memory",
        hidden_layer_sizes=(2070,),
        epochs=30,
        steps=3000,
    ),
    "fast": Preset(
        meaning="a first answer in a fraction of the time, for a point or two of accuracy",
        hidden_layer_sizes=(525,),
        group_size=35,
        epochs=5,
        steps=500,
        images="image:thermometer4+hog4",
        colour_images="image:thermometer4+hog4",
        trials=False,
        readout="learned",
    ),
    "tiny": Preset(
        meaning="for devices: few neurons, 8-bit counters, mini-batches of 8",
        hidden_layer_sizes=(110,),
        group_size=11,
        robustness=0.35,
        reinforcement=0.5,
        hidden_clip=127,
        batch_size=8,
        epochs=40,
        images="image:words16/6/1",
        colour_images="image:thermometer1",
        other_images="image:thermometer4",
        numbers="thermometer4",
        trials=False,
        readout="learned",
    ),
}
# Parameters that a preset gives a value where they have none.
SETTLED = ("hidden_layer_sizes", "group_size", "robustness", "reinforcement", "hidden_clip", "batch_size", "readout")


def settle(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Give parameters with what those that are None, or are not there, mean.

    Parameters
    ----------
    parameters : mapping
        Of `BMLPClassifier`; valid ones.

    Returns
    -------
    dict
        With all that are in `SETTLED`. `group_size` is the divisor of every layer's size that is closest to the
        preset's; `hidden_clip` may be None, which is none.

    Examples
    --------
    >>> from bitlocal.spec.presets import settle
    >>> settle({"preset": "published", "hidden_layer_sizes": (64,)})["group_size"]
    16
    """
    preset = PRESETS[parameters.get("preset")]
    settled = {**parameters, **{name: getattr(preset, name) for name in SETTLED if parameters.get(name) is None}}
    sizes = tuple(LayerSizes.each(settled["hidden_layer_sizes"]))
    if parameters.get("group_size") is None:
        settled["group_size"] = default_group_size(sizes, preset.group_size)
    if parameters.get("readout") in (None, "auto") and (
        settled.get("train_classifier") or settled.get("single_output") or sizes[-1] > MOST_READ
    ):
        settled["readout"] = "votes"  # no other goes with these
    return settled

"""`bitlocal features`."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from bitlocal.cli.shared.console import err, facts, out
from bitlocal.cli.shared.outfile import require_writable
from bitlocal.errors import DataError
from bitlocal.features import Scale, extract, load_backbone, read_images
from bitlocal.files.atomic import write_file


def features(
    images: Annotated[
        Path,
        typer.Argument(
            metavar="IMAGES",
            help="Folder with a sub-folder for each class (or with train and test, which hold these), or an .npz file "
            "with X of shape (n, height, width, channels), uint8, and y.",
        ),
    ],
    out_file: Annotated[Path, typer.Option("--out", help="File for the features, as in features.npz.")],
    backbone: Annotated[
        str | None, typer.Option(help="Network, as timm or torchvision know it, as in mobilenetv2_100.")
    ] = None,
    like: Annotated[
        Path | None, typer.Option(help="Features that this made before: map these images in the same way.")
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option(help="Weights, instead of a download: .safetensors, .pth, or a program of torch.export (.pt2)."),
    ] = None,
    random_weights: Annotated[bool, typer.Option("--random-weights", help="Leave the weights random.")] = False,
    size: Annotated[
        int | None, typer.Option(min=8, max=4096, help="Side of the images (default: as the network was trained).")
    ] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Images in a batch.")] = 64,
    quiet: Annotated[bool, typer.Option("--quiet", help="Do not tell how far it is.")] = False,
) -> None:
    """Turn IMAGES into features of a pre-trained network, which `bitlocal train` takes.

    Each feature becomes a whole number from 0 to 255, linearly over its range in the training images. What the network
    gave for the same images before comes from the cache.
    """
    require_writable(out_file, *(file for file in (images, like, weights) if file is not None))
    if out_file.suffix.lower() != ".npz":
        raise DataError(f"{out_file}: expected a name that ends in .npz")
    if weights is not None and random_weights:
        raise DataError("--weights and --random-weights exclude each other; give one of them")
    scale, name = (None, backbone) if like is None else _read_scale(like, backbone)
    if name is None:
        raise DataError("which network? give --backbone NAME, as in --backbone mobilenetv2_100")
    train, test = read_images(images)
    network = load_backbone(name, weights=weights, random_weights=random_weights, size=size)
    if scale is not None and network.name != scale[1]:
        raise DataError(f"{like} was made by {scale[1]!r}, this is {network.name!r}; give the same weights")

    def show(done: int) -> None:
        if err.is_terminal and not quiet:
            err.print(f"\r{done} images", end="")

    found = extract(train, network, batch_size=batch_size, progress=show)
    mapping = Scale.of(found) if scale is None else scale[0]
    if mapping.low.shape != found.shape[1:]:
        raise DataError(f"{like} has {len(mapping.low)} features, these are {found.shape[1]}; give the same weights")
    arrays = {"X": mapping(found), "y": train.y, "low": mapping.low, "high": mapping.high}
    if test is not None:
        arrays["X_test"] = mapping(extract(test, network, batch_size=batch_size, progress=show))
        arrays["y_test"] = test.y
    content = io.BytesIO()
    np.savez(content, backbone=np.array([name, network.name]), **arrays)  # type: ignore[arg-type]
    write_file(out_file, content.getvalue())
    if err.is_terminal and not quiet:
        err.print()
    n_test = 0 if test is None else len(test)
    out.print(
        facts(
            [
                ("images", f"{len(train)} to train on, {n_test} to test on"),
                ("backbone", network.name),
                ("features", str(found.shape[1])),
            ]
        )
    )
    out.print(f"\nThe features are in {out_file}. Try: bitlocal train {out_file}", soft_wrap=True)


def _read_scale(path: Path, backbone: str | None) -> tuple[tuple[Scale, str], str]:
    """Read how features were mapped, and by which network they were made."""
    try:
        with np.load(path, allow_pickle=False) as file:
            low, high, (name, made_by) = file["low"], file["high"], file["backbone"].tolist()
        valid = low.dtype == high.dtype == np.float32 and low.ndim == 1 and low.shape == high.shape
        if not (valid and np.isfinite(low).all() and np.isfinite(high).all() and isinstance(name, str)):
            raise ValueError("its ranges are not valid")
    except FileNotFoundError:
        raise
    except (OSError, ValueError, KeyError, TypeError, EOFError) as error:
        raise DataError(f"{path}: not a file that 'bitlocal features' wrote ({error}); give one") from error
    return (Scale(low, high), made_by), backbone or name

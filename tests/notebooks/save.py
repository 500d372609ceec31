"""Saves the notebooks as their cells show themselves now: `python -m tests.notebooks.save` after `make demo ARGS=--check`."""

import io
import sys
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any, Final

import nbformat
from PIL import Image

from tests.conftest import NOTEBOOKS

__all__ = ["saved"]

_COLORS: Final = 64


def saved(executed: Any) -> Any:
    """Return what is kept of an executed notebook: nothing of the machine that ran it, no state of its widgets, whose twins stand beside them, and small pictures."""
    executed.metadata.pop("widgets", None)
    executed.metadata.language_info = {"name": "python"}
    for cell in executed.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", ()):
            if picture := output.get("data", {}).get("image/png"):
                output["data"]["image/png"] = b64encode(_smaller(b64decode(picture))).decode()
    return executed


def _smaller(picture: bytes) -> bytes:
    """Return a picture of a plot with fewer colors: those of its lines and letters have room among them."""
    few = Image.open(io.BytesIO(picture)).convert("RGBA").quantize(_COLORS, dither=Image.Dither.NONE)
    written = io.BytesIO()
    few.save(written, "png", optimize=True)
    return min(picture, written.getvalue(), key=len)


def _save(folder: Path) -> None:
    for notebook in sorted(NOTEBOOKS.glob("*.ipynb")):
        nbformat.write(saved(nbformat.read(folder / notebook.name, as_version=4)), notebook)


if __name__ == "__main__":
    _save(Path(sys.argv[1] if len(sys.argv) > 1 else "_executed"))

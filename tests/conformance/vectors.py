"""Golden data: folders with one group per subject, plain (`GROUP/*.json`, `GROUP/*.jsonl`) or packed (`GROUP.jsonl.gz`)."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

__all__ = ["PACKED", "read_documents", "read_group"]

PACKED = Path(__file__).resolve().parents[1] / "vectors"
"""The golden data that the repository carries."""


def read_group(folder: Path, group: str) -> Iterator[dict[str, Any]]:
    """Yield the documents of a group of golden data."""
    packed = folder / f"{group}.jsonl.gz"
    return read_documents(packed if packed.exists() else folder / group)


def read_documents(source: Path) -> Iterator[dict[str, Any]]:
    """Yield the documents of a packed file, or of a folder: one per line of a JSONL file, one per JSON file."""
    if source.is_file():
        with gzip.open(source, "rt", encoding="utf-8") as lines:
            yield from map(json.loads, lines)
        return
    for path in sorted(source.glob("*.json*")):
        text = path.read_text(encoding="utf-8")
        yield from map(json.loads, text.splitlines() if path.suffix == ".jsonl" else [text])

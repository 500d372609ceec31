"""Folders of golden data: one group per subject, plain (`GROUP/*.json`, `GROUP/*.jsonl`) or packed (`GROUP.jsonl.gz`)."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

__all__ = ["PACKED", "read_group"]

PACKED = Path(__file__).resolve().parents[1] / "vectors"
"""The golden data that the repository carries."""


def read_group(folder: Path, group: str) -> Iterator[dict[str, Any]]:
    """Yield the documents of a group: one per line of a packed or JSONL file, one per JSON file."""
    packed = folder / f"{group}.jsonl.gz"
    if packed.exists():
        with gzip.open(packed, "rt", encoding="utf-8") as lines:
            yield from map(json.loads, lines)
        return
    for path in sorted((folder / group).glob("*.json*")):
        text = path.read_text(encoding="utf-8")
        yield from map(json.loads, text.splitlines() if path.suffix == ".jsonl" else [text])

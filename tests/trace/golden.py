"""Golden traces of all releases, by name."""

import json
from functools import cache
from typing import Any

from lash_nb.trace import Trace, read_trace
from tests.conformance.vectors import PACKED, read_files

__all__ = ["golden", "golden_files", "golden_records"]


@cache
def golden_files() -> dict[str, bytes]:
    """Every golden trace by its name without `.jsonl`."""
    files = [file for group in ("traces", "traces_later") for file in read_files(PACKED, group)]
    return {name.removesuffix(".jsonl"): content for name, content in files if not name.endswith("_graphs.jsonl")}


def golden(name: str, *, with_code: bool = False) -> Trace:
    """A golden trace, with what the second sink wrote in the same run or without."""
    files = golden_files()
    code = files[f"{name}.lashlang"] if with_code else b""
    return read_trace(files[name] + code, name=name)


@cache
def golden_records() -> tuple[dict[str, Any], ...]:
    """All golden records."""
    return tuple(json.loads(line) for content in golden_files().values() for line in content.split(b"\n") if line)

"""Pack golden data for the repository: `python -m tests.conformance.pack DIR OUT [--only GLOB]…`.

DIR holds groups (`turns/`, `wire/`, …); each becomes one `OUT/GROUP.jsonl.gz` whose bytes depend on the content alone.
`--only` takes `GROUP` or `GROUP/NAME` with wildcards, where NAME is a file without its ending.
"""

import argparse
import fnmatch
import gzip
import json
import sys
from collections.abc import Iterator
from pathlib import Path

__all__ = ["main", "pack_group"]


def main(arguments: list[str] | None = None) -> int:
    """Pack every selected group and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance.pack", description=__doc__)
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("out", type=Path, metavar="OUT")
    parser.add_argument("--only", action="append", default=[], metavar="GLOB")
    given = parser.parse_args(arguments)
    given.out.mkdir(parents=True, exist_ok=True)
    for group in sorted(path for path in given.folder.iterdir() if path.is_dir()):
        files = [path for path in sorted(group.glob("*.json*")) if _selected(path, given.only)]
        if files:
            pack_group(files, given.out / f"{group.name}.jsonl.gz")
    return 0


def pack_group(files: list[Path], out: Path) -> None:
    """Write the documents of `files` to `out`, one per line."""
    text = "".join(line + "\n" for path in files for line in _lines(path))
    out.write_bytes(gzip.compress(text.encode(), compresslevel=9, mtime=0))


def _lines(path: Path) -> Iterator[str]:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".jsonl":
        yield from text.splitlines()
    else:
        yield json.dumps(json.loads(text), ensure_ascii=True, separators=(",", ":"))


def _selected(path: Path, patterns: list[str]) -> bool:
    names = (path.parent.name, f"{path.parent.name}/{path.stem}")
    return not patterns or any(fnmatch.fnmatch(name, pattern) for name in names for pattern in patterns)


if __name__ == "__main__":
    sys.exit(main())

"""Pack golden data for the repository: `python -m tests.conformance.pack DIR OUT [--only GLOB]…`.

DIR holds groups (`turns/`, `wire/`, …). A group of documents becomes one `OUT/GROUP.jsonl.gz`, a document per line; a group whose files count byte
for byte becomes one `OUT/GROUP.tar.gz`. The packed bytes depend on the content alone.
`--only` takes `GROUP` or `GROUP/NAME` with wildcards, where NAME is a file without its ending.
"""

import argparse
import fnmatch
import gzip
import io
import json
import sys
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Final

from tests.conformance.vectors import find_groups, read_files

__all__ = ["main"]

_DOCUMENTS: Final = frozenset({"facade", "turns", "wire"})
"""Groups of which only the documents matter, not how the files are written."""

_Files = Iterable[tuple[str, bytes]]


def main(arguments: list[str] | None = None) -> int:
    """Pack every selected group and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance.pack", description=__doc__)
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("out", type=Path, metavar="OUT")
    parser.add_argument("--only", action="append", default=[], metavar="GLOB")
    given = parser.parse_args(arguments)
    given.out.mkdir(parents=True, exist_ok=True)
    for group in find_groups(given.folder):
        files = [file for file in read_files(given.folder, group) if _selected(group, file[0], given.only)]
        if files and group in _DOCUMENTS:
            _write(given.out / f"{group}.jsonl.gz", "".join(line + "\n" for line in _lines(files)).encode())
        elif files:
            _write(given.out / f"{group}.tar.gz", _archive(files))
    return 0


def _write(out: Path, content: bytes) -> None:
    out.write_bytes(gzip.compress(content, compresslevel=9, mtime=0))


def _lines(files: _Files) -> Iterator[str]:
    for name, content in files:
        if name.endswith(".jsonl"):
            yield from filter(None, content.decode().split("\n"))
        else:
            yield json.dumps(json.loads(content), ensure_ascii=True, separators=(",", ":"))


def _archive(files: _Files) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in files:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def _selected(group: str, name: str, patterns: list[str]) -> bool:
    names = (group, f"{group}/{PurePosixPath(name).with_suffix('')}")
    return not patterns or any(fnmatch.fnmatch(given, pattern) for given in names for pattern in patterns)


if __name__ == "__main__":
    sys.exit(main())

"""Golden data: folders with one group per subject, plain (`GROUP/…`) or packed (`GROUP.jsonl.gz`, `GROUP.tar.gz`).

Rule 1: a line ends at a line feed and nowhere else; texts hold other separators.
Rule 2: a folder without groups, an empty group and a file that is none of a group are errors: a name that was mistyped must not look like
golden data that passed.
"""

import gzip
import io
import json
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Final

__all__ = [
    "PACKED",
    "TESTED",
    "VectorsError",
    "find_groups",
    "find_strangers",
    "read_documents",
    "read_files",
    "read_group",
]

PACKED = Path(__file__).resolve().parents[1] / "vectors"
"""The golden data that the repository carries."""

TESTED: Final[Mapping[str, frozenset[str]]] = {
    "turns": frozenset({"scenario"}),
    "wire": frozenset({"name", "type", "in"}),
    "traces": frozenset({"schema_version"}),
    "traces_later": frozenset(),
    "stores": frozenset(),
    "facade": frozenset({"faults", "settings", "result"}),
}
"""The groups that have tests here, and the keys by which a folder without a known name is recognized."""
UNTESTED: Final = frozenset({"demo", "flow", "lashlang"})
"""Groups of the same golden data without a test here."""

_ENDINGS: Final = (".jsonl.gz", ".tar.gz", "")


class VectorsError(Exception):
    """A folder is not golden data, or holds something that is none."""


def find_groups(folder: Path) -> dict[str, Path]:
    """Return where each group of golden data lies: a folder or a packed file; `folder` may also be a single group itself.

    Raises:
        VectorsError: there is no group with tests here, or one of them is empty.
    """
    if not folder.is_dir():
        raise VectorsError(f"{folder} is no folder; give one that holds {_wanted()}")
    groups, others = _sorted_out(folder)
    if others and not groups:
        groups = {_recognized(folder): folder}
    if not groups.keys() & TESTED.keys():
        raise VectorsError(f"{folder} holds no golden data with tests here; give a folder that holds {_wanted()}")
    for name, path in groups.items():
        if path.is_dir() and all(map(_is_aside, path.iterdir())):
            raise VectorsError(f"{path} is empty; fill it, or take it away to leave out {name}")
    return groups


def find_strangers(folder: Path) -> list[str]:
    """Return the names in a folder of groups that are none: a name that was mistyped is one."""
    groups, others = _sorted_out(folder)
    return others if groups else []


def _sorted_out(folder: Path) -> tuple[dict[str, Path], list[str]]:
    """Return the groups in a folder by name, and the names of everything else."""
    entries = {path.name: path for path in sorted(folder.iterdir()) if not _is_aside(path)}
    groups = {
        name: entries.pop(name + ending)
        for name in sorted(TESTED.keys() | UNTESTED)
        for ending in _ENDINGS
        if name + ending in entries
    }
    return groups, list(entries)


def read_files(folder: Path, group: str) -> Iterator[tuple[str, bytes]]:
    """Yield name and bytes of every file of a group, in the order of the names; nothing if the group is not there.

    The names are paths relative to the group, with `/`; a README is no such file.
    """
    source = find_groups(folder).get(group)
    return iter(()) if source is None else _files(source)


def read_group(folder: Path, group: str) -> Iterator[dict[str, Any]]:
    """Yield the documents of a group of golden data; nothing if the group is not there."""
    source = find_groups(folder).get(group)
    return iter(()) if source is None else read_documents(source)


def read_documents(source: Path) -> Iterator[dict[str, Any]]:
    """Yield the documents of a packed file, or of a folder: one per line of a JSONL file, one per JSON file."""
    for name, content in _files(source):
        match PurePosixPath(name).suffix:
            case ".jsonl":
                yield from map(json.loads, filter(None, content.split(b"\n")))
            case ".json":
                yield json.loads(content)
            case _:
                raise VectorsError(f"{source} holds {name}, which is neither .jsonl nor .json; take it away")


def _files(source: Path) -> Iterator[tuple[str, bytes]]:
    if source.name.endswith(".tar.gz"):
        with tarfile.open(fileobj=io.BytesIO(source.read_bytes()), mode="r:gz") as archive:
            yield from ((member.name, archive.extractfile(member).read()) for member in archive)  # type: ignore[union-attr]  # only files are packed
    elif source.is_file():
        yield _unpacked(source, source.name)
    else:
        for path in sorted(source.rglob("*")):
            if path.is_file() and not _is_aside(path):
                yield _unpacked(path, path.relative_to(source).as_posix())


def _unpacked(path: Path, name: str) -> tuple[str, bytes]:
    content = path.read_bytes()
    return (name.removesuffix(".gz"), gzip.decompress(content)) if name.endswith(".gz") else (name, content)


def _is_aside(path: Path) -> bool:
    return path.name == "README.md" or path.name.startswith(".")


def _recognized(folder: Path) -> str:
    """Return which group a folder is, by its name or the keys of its first document."""
    if folder.name in TESTED:
        return folder.name
    first = next(read_documents(folder), {})
    for group, keys in TESTED.items():
        if keys and keys <= first.keys():
            return group
    raise VectorsError(f"{folder} holds no golden data with tests here; give a folder that holds {_wanted()}")


def _wanted() -> str:
    return ", ".join(f"{name}/" for name in sorted(TESTED)) + " (or these packed)"

"""Steps on the core's attachment store and its folder."""

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from lash_nb.stores import AttachmentStore, FileAttachmentStore
from lash_nb.wire import AttachmentCreateMeta, from_builtins, to_builtins
from tests.conformance.turns._ops import Op, Step
from tests.conformance.turns._run import Run

__all__ = ["ATTACHMENT_OPS"]


def _folder(run: Run) -> Path:
    return run.folder / "attachments"


def _store(run: Run) -> AttachmentStore:
    store: AttachmentStore = run.shared.get("own attachments", run.shared["attachments"])
    return store


async def _files(run: Run, _step: Step) -> Any:
    found = sorted(path for path in _folder(run).rglob("*") if path.is_file())
    run.variables.number("att", (path.name for path in found if not path.suffix))
    return [_told(path, _folder(run)) for path in found]


def _told(path: Path, folder: Path) -> dict[str, str]:
    content = (
        {"text": path.read_text("utf-8")} if path.suffix else {"base64": base64.b64encode(path.read_bytes()).decode()}
    )
    return {"file": path.relative_to(folder).as_posix(), **content}


def _file(run: Run, step: Step) -> Path:
    name: str = step["id"] + step.get("suffix", "")
    return _folder(run) / "sha256" / name[:2] / name


async def _remove(run: Run, step: Step) -> bool:
    path = _file(run, step)
    is_there = path.exists()
    path.unlink(missing_ok=True)
    return is_there


async def _overwrite(run: Run, step: Step) -> None:
    _file(run, step).write_text(step["content"], "utf-8")


async def _put(run: Run, step: Step) -> Any:
    ref = _store(run).put(base64.b64decode(step["base64"]), from_builtins(step["meta"], AttachmentCreateMeta))
    if "as" in step:
        run.variables.set(step["as"], ref.id)
    return to_builtins(ref)


async def _get(run: Run, step: Step) -> Any:
    stored = _store(run).get(step["id"])
    return {"meta": to_builtins(stored.meta), "base64": base64.b64encode(stored.data).decode()}


async def _fresh(run: Run, _step: Step) -> None:
    run.shared["own attachments"] = FileAttachmentStore(_folder(run))


ATTACHMENT_OPS: Final[Mapping[str, Op]] = {
    "attachment_files": Op(_files),
    "attachment_remove": Op(_remove, frozenset({"id", "suffix"})),
    "attachment_overwrite": Op(_overwrite, frozenset({"id", "suffix", "content"})),
    "attachment_put": Op(_put, frozenset({"base64", "meta", "as"})),
    "attachment_get": Op(_get, frozenset({"id"})),
    "fresh_attachment_store": Op(_fresh),
}

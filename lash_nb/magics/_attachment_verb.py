"""`%lash attachments`: what there is, one of them, save it, and whether all bytes are what their ids promise."""

from argparse import Namespace
from pathlib import Path
from typing import Any, Final

from lash_nb import plots
from lash_nb.errors import CallerError
from lash_nb.magics import _values as values
from lash_nb.magics._bench import Bench
from lash_nb.magics._verb import Argument, Verb
from lash_nb.stores import AttachmentCheck, StoreFolder, attachment_users, session_attachment_user, verify_attachments
from lash_nb.views import AttachmentsView

__all__ = ["ATTACHMENT_VERB"]


async def _attachments(bench: Bench, asked: Namespace) -> Any:
    if asked.check:
        return await _check(bench)
    session = bench.session().session
    listing = session.attachments
    if asked.id is None:
        if asked.save is not None:
            known = listing[0].ref.id[:8] if len(listing) else "ID"
            message = f"which attachment? %lash attachments {known} --save {asked.save}"
            raise CallerError(message, code="magics_attachment")
        return AttachmentsView(listing, title=f"in session {bench.current}")
    row = listing.find(asked.id)
    if asked.save is not None:
        saved = session.save_attachment(row.ref.id, Path(asked.save).expanduser())  # noqa: ASYNC240 - looks up a home, no file
        print(f"Saved {row.ref.id[:8]}, {plots.byte_size(row.ref.byte_len)}, to {saved}")  # noqa: T201 - said in the cell
    view = AttachmentsView(listing, title=f"in session {bench.current}")
    view.select(row.ref.id)
    return view


async def _check(bench: Bench) -> AttachmentCheck:
    """Hash every byte again; in a folder, those of all its sessions."""
    opened = bench.session()
    if opened.opening.store:
        folder = StoreFolder(opened.opening.store)
        return await verify_attachments(folder.attachments, attachment_users(folder.path))
    if opened.session.store is None:
        raise CallerError("this session has no store whose attachments could be checked", code="magics_attachment")
    user = session_attachment_user(bench.current, opened.session.store)
    return await verify_attachments(opened.core.parts.attachment_store, [user])  # type: ignore[arg-type]  # both shipped stores are archives


def _python(bench: Bench, asked: Namespace) -> str:
    if asked.check:
        return _check_python(bench)
    if asked.save is not None:
        return f"session.save_attachment({asked.id!r}, {asked.save!r})"
    view = "lash_nb.views.AttachmentsView(session.attachments)"
    return f"view = {view}\nview.select(session.attachments.find({asked.id!r}).ref.id)" if asked.id else view


def _check_python(bench: Bench) -> str:
    folder = bench.session().opening.store
    if folder:
        store, users = f"stores.StoreFolder({folder!r}).attachments", f"stores.attachment_users({folder!r})"
    else:
        store, users = (
            "core.parts.attachment_store",
            f"[stores.session_attachment_user({bench.current!r}, session.store)]",
        )
    return f"from lash_nb import stores\nawait stores.verify_attachments({store}, {users})"


ATTACHMENT_VERB: Final = Verb(
    name="attachments",
    summary="the session's attachments: content id, size, type, who refers to them, a preview",
    run=_attachments,
    python=_python,
    arguments=(
        Argument(
            name="ID",
            help="select this one; the beginning of its id",
            values=values.attachments,
            settings={"nargs": "?"},
        ),
        Argument(
            name="--save", help="write its bytes to a new file", values=values.files, settings={"metavar": "PATH"}
        ),
        Argument(
            name="--check",
            help="hash all bytes of the store again: what is missing, changed or needed by nobody",
            settings={"action": "store_true"},
        ),
    ),
)

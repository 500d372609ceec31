"""What the explorer's page may ask for. A message that is none of these is refused with a reason, whatever it is."""

from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType, field

from lash_nb.errors import CallerError
from lash_nb.plots import one_line

__all__ = [
    "Ask",
    "Bad",
    "Command",
    "Moment",
    "Pick",
    "Rows",
    "Select",
    "Show",
    "SortTable",
    "TableRows",
    "TurnStep",
    "read_command",
]


class _Command(msgspec.Struct, frozen=True, kw_only=True, tag_field="do"):
    """Something that the page asks for."""


class Rows(_Command, frozen=True, tag="rows"):
    """Records of the answer with this version, by their places."""

    version: int
    start: int = field(name="from")
    to: int


class TableRows(_Command, frozen=True, tag="table_rows"):
    """The same of the table that is shown in place of the records."""

    version: int
    start: int = field(name="from")
    to: int


class Ask(_Command, frozen=True, tag="ask"):
    """Other filters or another order; what is not given stays as it is."""

    kinds: tuple[str, ...] | UnsetType | None = UNSET
    session: str | UnsetType | None = UNSET
    turn: int | str | UnsetType | None = UNSET
    status: str | UnsetType | None = UNSET
    text: str | UnsetType | None = UNSET
    sort: str | UnsetType = UNSET
    descending: bool | UnsetType = UNSET

    def given(self) -> dict[str, Any]:
        """Return what is given, by name."""
        return {name: value for name, value in msgspec.structs.asdict(self).items() if value is not UNSET}


class Show(_Command, frozen=True, tag="show"):
    """Another table."""

    table: str


class SortTable(_Command, frozen=True, tag="sort_table"):
    """Another order of the table that is shown in place of the records."""

    column: str
    descending: bool


class Select(_Command, frozen=True, tag="select"):
    """A record by its number."""

    record: int | None


class Pick(_Command, frozen=True, tag="pick"):
    """A record by its place in the answer with this version."""

    place: int
    version: int


class TurnStep(_Command, frozen=True, tag="turn"):
    """The next turn or the previous one."""

    by: Literal[-1, 1]


class Moment(_Command, frozen=True, tag="moment"):
    """What was found at this share, 0 to 1, of the time."""

    share: float


class Bad(_Command, frozen=True, tag="bad"):
    """A line that is no record, by its place among those."""

    number: int


Command = Rows | TableRows | Ask | Show | SortTable | Select | Pick | TurnStep | Moment | Bad
"""Everything that the page may ask for, by its member `do`."""


def read_command(message: object) -> Command:
    """Return what a message of the page asks for.

    Raises:
        CallerError: it is no command; nothing was done.
    """
    try:
        command: Command = msgspec.convert(message, Command)
    except msgspec.ValidationError as error:
        reason = one_line(str(error), 200)
        raise CallerError(f"The page sent what this view does not know ({reason}). Run the cell again.") from error
    return command

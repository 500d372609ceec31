"""What a verb of `%lash` is: a name, its arguments, what it does, and the Python that does the same."""

import argparse
import difflib
import re
import shlex
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

from lash_nb.errors import CallerError
from lash_nb.magics._bench import Bench
from lash_nb.plots import one_line

__all__ = ["Argument", "HelpWanted", "Usage", "Values", "Verb", "split"]

Values = Callable[[Bench, str], Iterable[str]]
"""What may stand in an argument, given what is typed of it already."""

_HELP: Final = frozenset({"-h", "--help"})
_WRONG: Final = re.compile(r"(?:unrecognized arguments: |argument .*: invalid choice: ')(?P<word>[^\s']+)")
"""What argparse says of a word that it cannot take."""
_NODE: Final = re.compile(r"node_id=")
"""What shows that a line holds the repr of a node, in pieces."""
_SHOWN: Final = 100
"""As many characters of what is wrong are said."""
_MISSING: Final = "the following arguments are required"
"""What it says where a word is missing."""
_FLAG_AT_END: Final = re.compile(r"(?:^|\s)(?P<flag>--[\w-]+)[ =]+(?P<value>[^\s'\"]+)\s*$")
"""A flag with its value, behind all quotes: a text in quotes never ends so."""


class HelpWanted(Exception):  # noqa: N818 - no error: a person asked
    """The line asks for help; the text is the message."""


@dataclass(frozen=True, kw_only=True)
class Argument:
    """One argument of a verb: a position, or a flag with a value."""

    name: str
    """As it is typed, e.g. `FILE` or `--to`."""
    help: str
    """What it says, in a few words."""
    values: Values | None = None
    """What completion offers."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """The rest, as argparse takes it."""

    @property
    def is_flag(self) -> bool:
        """Whether it is given by its name."""
        return self.name.startswith("-")

    def add_to(self, parser: argparse.ArgumentParser) -> None:
        """Declare it."""
        if self.is_flag:
            parser.add_argument(self.name, help=self.help, **self.settings)
        else:
            parser.add_argument(self.name.lower(), metavar=self.name, help=self.help, **self.settings)


@dataclass(frozen=True, kw_only=True)
class Usage:
    """How something is typed, and the Python that it stands for."""

    name: str
    """As it is typed after `%lash`; empty for `%%lash` itself."""
    summary: str
    """What it does, in one line."""
    python: Callable[[Bench, argparse.Namespace], str]
    """The Python that does the same."""
    arguments: tuple[Argument, ...] = ()
    """What may follow the name."""
    instead: str = ""
    """What a person may have meant who gives one argument too many, with `{}` for it; empty where nothing comes to mind."""
    takes_rest: bool = False
    """Whether the last argument is the rest of the line as it stands, quotes and all; flags stand before it, or at its end."""

    @property
    def magic(self) -> str:
        """How it is called."""
        return f"%lash {self.name}" if self.name else "%%lash"

    @property
    def choices(self) -> Collection[str]:
        """The words of which one must follow the name; empty where any may."""
        first = self.arguments[:1]
        return first[0].settings.get("choices", ()) if first and not first[0].is_flag else ()

    def parse(self, rest: str) -> argparse.Namespace:
        """Read what follows the verb.

        Raises:
            CallerError: it does not fit; the message names the help.
            HelpWanted: it asks for help.
        """
        if rest.strip() in _HELP:
            raise HelpWanted(self.help())
        if self.takes_rest:
            return self._with_rest(rest.strip())
        words = split(rest)
        if _HELP.intersection(words):
            raise HelpWanted(self.help())
        return self._parser().parse_args(words)

    def _with_rest(self, rest: str) -> argparse.Namespace:
        names = [argument.name.lower() for argument in self.arguments if not argument.is_flag]
        flags, rest = self._flags_at_end(rest)
        words: list[str] = []
        while rest:
            word, after = _first_word(rest)
            if word in _HELP:
                raise HelpWanted(self.help())
            if self._is_flag(word):
                value, after = ("", after) if "=" in word else _first_word(after)
                flags += [word, value] if value else [word]
            elif len(words) < len(names) - 1:
                words.append(word)
            else:
                break
            rest = after
        words += [_unquoted(rest), *[""] * len(names)]
        given = self._parser(flags_only=True).parse_args(flags)
        return argparse.Namespace(**vars(given), **dict(zip(names, words, strict=False)))

    def _flags_at_end(self, rest: str) -> tuple[list[str], str]:
        """The flag behind the rest of the line, if there is one, and the line without it."""
        found = _FLAG_AT_END.search(rest)
        if found is None or not self._is_flag(found["flag"]):
            return [], rest
        return [found["flag"], found["value"]], rest[: found.start()]

    def _is_flag(self, word: str) -> bool:
        return word.partition("=")[0] in {argument.name for argument in self.arguments if argument.is_flag}

    def help(self) -> str:
        """Return how it is used."""
        return self._parser().format_help().rstrip()

    def _parser(self, *, flags_only: bool = False) -> "_Parser":
        parser = _Parser(prog=self.magic, description=self.summary, add_help=False, allow_abbrev=False)
        parser.choices, parser.instead = self.choices, self.instead
        for argument in self.arguments:
            if argument.is_flag or not flags_only:
                argument.add_to(parser)
        return parser


@dataclass(frozen=True, kw_only=True)
class Verb(Usage):
    """One verb."""

    run: Callable[[Bench, argparse.Namespace], Any]
    """Does it; what it returns is the cell's value, awaited if need be."""


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line instead of ending the process."""

    choices: Collection[str] = ()
    """The words of which one must come first; empty where any may."""
    instead: str = ""
    """As `Usage.instead`."""

    def error(self, message: str) -> NoReturn:
        shown = one_line(message, _SHOWN)
        raise CallerError(f"{self.prog}: {shown}; {self._hint(message)}", code="magics_usage")

    def _hint(self, message: str) -> str:
        if _NODE.search(message):
            return "a node is named by its id: {{….node_id}}"
        found = _WRONG.match(message)
        if found is None:
            is_missing = self.choices and message.startswith(_MISSING)
            return f"say which: {', '.join(self.choices)}" if is_missing else self._see()
        word, is_flag = found["word"], found["word"].startswith("-")
        flags = [flag for action in self._actions for flag in action.option_strings]
        owners = {str(choice): action for action in self._actions for choice in action.choices or ()}
        near = difflib.get_close_matches(word, flags if is_flag else owners, n=1)
        if near and near[0] != word:
            return f"did you mean {near[0]}?"
        if near and not is_flag and owners[word].option_strings:
            return f"did you mean {owners[word].option_strings[-1]} {word}?"
        return f"did you mean {self.instead.format(word)}?" if self.instead and not is_flag else self._see()

    def _see(self) -> str:
        return f"see {self.prog} --help"


def split(text: str) -> list[str]:
    """Split a line into words as a shell does.

    Raises:
        CallerError: a quote is never closed.
    """
    try:
        return shlex.split(text)
    except ValueError as error:
        raise CallerError(f"{text.strip()}: {error}; close the quote and run it again", code="magics_usage") from error


def _first_word(text: str) -> tuple[str, str]:
    """The first word, and what follows it."""
    word, _, rest = text.strip().partition(" ")
    return word, rest.lstrip()


def _unquoted(text: str) -> str:
    """A text in one pair of single quotes, as one writes JSON on a line, is meant without them."""
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == "'" else text

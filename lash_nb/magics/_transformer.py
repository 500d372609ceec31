"""Turns a magic at the top level of a cell into `await`, so that the kernel goes on handling clicks while the turn runs.

IPython has made `get_ipython().run_line_magic('lash', …)` of it by then. Only statements that may await are touched; everywhere else the real
magic runs, and the bridge with it.
"""

import ast
import asyncio
import sys
from collections.abc import Iterator
from typing import Final, NamedTuple

from IPython.core.interactiveshell import InteractiveShell

__all__ = ["AwaitTransformer"]

_METHODS: Final = {"run_line_magic": "run_line", "run_cell_magic": "run_cell"}
_AWAITABLE: Final = "await get_ipython().magics_manager.registry['LashMagics'].{method}({arguments})"
_NESTED: Final = frozenset({InteractiveShell.run_line_magic.__code__, InteractiveShell.run_cell_magic.__code__})
"""A cell that another magic (`%%time`, `%%capture`) transforms is run by that magic, which awaits nothing."""
_BLOCKING: Final = InteractiveShell._run_cell.__code__  # noqa: SLF001 - how the shell runs a cell without awaiting it


class _Edit(NamedTuple):
    """A stretch of the source, in lines from 1 and bytes from 0, and what stands there instead."""

    start: tuple[int, int]
    end: tuple[int, int]
    text: str


class AwaitTransformer:
    """Goes into `shell.input_transformers_post`."""

    def __init__(self, shell: InteractiveShell, magic: str = "lash") -> None:
        self._shell = shell
        self._marks = tuple(f"{method}('{magic}'," for method in _METHODS)
        self._magic = magic

    def __call__(self, lines: list[str]) -> list[str]:
        """Return the lines of the cell, with `await` where it may stand."""
        source = "".join(lines)
        if not any(mark in source for mark in self._marks) or not self._shell.autoawait or not _is_awaited():
            return lines
        try:
            tree = ast.parse(source)
        except SyntaxError:  # the shell reports it
            return lines
        return _edited(source, list(self._edits(source, tree.body, inside=False)))

    def _edits(self, source: str, body: list[ast.stmt], *, inside: bool) -> Iterator[_Edit]:
        for statement in body:
            if isinstance(statement, ast.Expr | ast.Assign):
                call = statement.value
                if isinstance(call, ast.Call) and (method := self._method(call)):
                    yield _edit(source, call, method, inside=inside)
            elif not isinstance(statement, ast.FunctionDef | ast.ClassDef):
                for block in _blocks(statement):
                    yield from self._edits(source, block, inside=inside or isinstance(statement, ast.AsyncFunctionDef))

    def _method(self, call: ast.Call) -> str | None:
        match call:
            case ast.Call(
                func=ast.Attribute(value=ast.Call(func=ast.Name(id="get_ipython")), attr=attr),
                args=[ast.Constant(value=self._magic), *_],
            ):
                return _METHODS.get(attr)
        return None


def _blocks(statement: ast.stmt) -> Iterator[list[ast.stmt]]:
    """The bodies of a compound statement: of a loop, a condition, a `try` and its handlers, a `match` and its cases."""
    for _, value in ast.iter_fields(statement):
        if isinstance(value, list) and value and isinstance(value[0], ast.stmt):
            yield value
        elif isinstance(value, list):
            yield from (one.body for one in value if isinstance(one, ast.ExceptHandler | ast.match_case))


def _edit(source: str, call: ast.Call, method: str, *, inside: bool) -> _Edit:
    given = [ast.get_source_segment(source, argument) or "" for argument in call.args[1:]]
    text = _AWAITABLE.format(method=method, arguments=", ".join([*given, "locals()"] if inside else given))
    return _Edit(
        (call.lineno, call.col_offset), (call.end_lineno or call.lineno, call.end_col_offset or call.col_offset), text
    )


def _edited(source: str, edits: list[_Edit]) -> list[str]:
    lines = [line.encode() for line in source.split("\n")]
    for edit in reversed(edits):
        (first, left), (last, right) = edit.start, edit.end
        lines[first - 1 : last] = [lines[first - 1][:left] + edit.text.encode() + lines[last - 1][right:]]
    return b"\n".join(lines).decode().splitlines(keepends=True)


def _is_awaited() -> bool:
    """Whether who transforms this cell will await it."""
    frame, blocking = sys._getframe(1), False  # noqa: SLF001 - the stack is the only witness
    walked = frame
    while walked is not None:
        if walked.f_code in _NESTED:
            return False
        blocking = blocking or walked.f_code is _BLOCKING
        if walked.f_back is None:
            break
        walked = walked.f_back
    return not (blocking and _loop_runs())


def _loop_runs() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True

"""Finds the browser halves and joins each view's modules into the one module that anywidget loads.

anywidget loads a module from a Blob URL, where a relative import cannot resolve. So every `import { … } from "./name.js";` line is taken
out and the named module put in front, once: the kit first. The modules stay plain ES modules that node and a browser load as they are.
"""

import re
from functools import cache
from pathlib import Path
from typing import Final

__all__ = ["module", "stylesheet"]

_IMPORT: Final = re.compile(r'^import \{[^}]*\} from "\./(\w+)\.js";\n', re.MULTILINE)
_ANY_IMPORT: Final = re.compile(r"^\s*import\b|await import\(", re.MULTILINE)
_KIT: Final = "kit"


def module(view: str) -> str:
    """Return the joined module of `view`, ready for anywidget's `_esm`."""
    return "\n".join(_read(f"{name}.js", strip_imports=True) for name in _order(view))


def stylesheet(view: str) -> str:
    """Return the theme followed by the rules of `view`, for anywidget's `_css`."""
    return _read("theme.css") + _read(f"{view}.css")


def _order(view: str) -> list[str]:
    """Names of the modules of `view`, each after those it imports."""
    order: list[str] = []

    def visit(name: str) -> None:
        for needed in _IMPORT.findall(_read(f"{name}.js")):
            visit(needed)
        if name not in order:
            order.append(name)

    visit(view)
    return order


@cache
def _read(name: str, *, strip_imports: bool = False) -> str:
    text = (_folder() / name).read_text("utf-8")
    if not strip_imports:
        return text
    kit_imports = _IMPORT.findall(text).count(_KIT)
    rest = _IMPORT.sub("", text)
    if kit_imports > 1 or _ANY_IMPORT.search(rest):
        message = f'{name} may import only named parts of siblings, one line each, the kit at most once: import {{ … }} from "./kit.js";'
        raise ImportError(message)
    return rest


@cache
def _folder() -> Path:
    """Return `lash_nb/static` of a wheel, else `widgets/src` of a checkout."""
    package = Path(__file__).parents[1]
    for folder in (package / "static", package.parent / "widgets" / "src"):
        if (folder / "kit.js").is_file():
            return folder
    message = f"the browser half of the views is missing: no kit.js in {package / 'static'}; install lash-nb again"
    raise ImportError(message)

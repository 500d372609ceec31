"""More than a hundred ways to put a script, a request or a lie into a page by way of a text: each way out of a place, with each thing to do there."""

from itertools import product
from typing import Final

from tests.views.samples import HOSTILE

__all__ = ["INJECTIONS", "MARKER"]

MARKER: Final = "window.lashPwned"
"""What every script would set."""
_REMOTE: Final = "http://lash.invalid"
"""Where every request would go."""

_WAYS_OUT: Final = (
    "{}",
    '">{}',
    "'>{}",
    "</script>{}",
    "</style>{}",
    "</textarea></title>{}",
    "--><!--{}",
    "]]>{}",
    "</pre></details></td></tr></table>{}",
    "</text></svg>{}",
    "&quot;>{}",
    "\\u003c/span>\\u003e{}",
)
"""Ends of what the text may stand in."""
_DEEDS: Final = (
    f"<script>{MARKER}=1</script>",
    f"<img src=x onerror={MARKER}=1>",
    f"<svg onload={MARKER}=1></svg>",
    f"<svg><script>{MARKER}=1</script></svg>",
    f'<iframe srcdoc="<script>parent.{MARKER}=1</script>"></iframe>',
    f"<a href=javascript:{MARKER}=1 autofocus onfocus={MARKER}=1>x</a>",
    f"<details open ontoggle={MARKER}=1>",
    f"<link rel=stylesheet href={_REMOTE}/a.css><img src={_REMOTE}/a.png>",
    f"<style>@import '{_REMOTE}/b.css';*{{background:url({_REMOTE}/c)}}</style>",
    f"<object data={_REMOTE}/d></object><embed src={_REMOTE}/e>",
    f"<meta http-equiv=refresh content='0;url={_REMOTE}/f'><base href={_REMOTE}/>",
)
"""Things to do there."""

INJECTIONS: Final = (
    *HOSTILE,
    *(way.format(deed) for way, deed in product(_WAYS_OUT, _DEEDS)),
    f"{{{{constructor.constructor('{MARKER}=1')()}}}}",
    f"${{{MARKER}=1}}",
    "\u2028\u2029\u0085\u200b\u2066\u2069\ufeff",
    "\x1b]8;;http://lash.invalid\x07click\x1b]8;;\x07\x1b[2J",
    "a\u0301" * 40,
    "\U0001f600 \U000e0041 \uffff",
    "__proto__",
    "constructor",
)
"""All of them."""

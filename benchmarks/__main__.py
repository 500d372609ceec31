"""All figures: `python -m benchmarks [--json]`; JSON is one object, with a member for each benchmark."""

import importlib
import io
import json
import shutil
import sys
from contextlib import redirect_stdout
from typing import Final

NAMES: Final = (
    "import_time",
    "turn_cost",
    "tool_call",
    "session_growth",
    "wire_json",
    "trace_read",
    "trace_report",
    "session_stores",
    "large_drawings",
    "sse",
    "provider_call",
    "first_token",
    "explorer_first_row",
)
BROWSER: Final = {"explorer_first_row"}
"""What measures in a Chromium."""

figures = {}
for name in NAMES:
    if name in BROWSER and shutil.which("chromium") is None:
        print(f"{name}: left out, no chromium on this machine (Debian: apt-get install chromium)", file=sys.stderr)
    elif "--json" in sys.argv:
        with redirect_stdout(io.StringIO()) as said:
            importlib.import_module(f"benchmarks.{name}").main()
        figures[name] = json.loads(said.getvalue())
    else:
        print(f"\n{name}")
        importlib.import_module(f"benchmarks.{name}").main()
if figures:
    print(json.dumps(figures))

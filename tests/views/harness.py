"""Mounts a view's browser half on a plain page with a model that is a dictionary, and carries messages to and from the Python half."""

import asyncio
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from comm.base_comm import BaseComm
from playwright.sync_api import Browser, Dialog, Error, Locator, Page

from lash_nb.views import StepperView, View

SCREENS: Final = Path(__file__).parents[1] / "_screens"

PAGE: Final = """<!doctype html><meta charset="utf-8"><body data-jp-theme-light="THEME" style="margin:8px;background:SURFACE">
<div id="view" style="width:WIDTHpx"></div></body>"""

MOUNT: Final = """async ([esm, css, state]) => {
  const began = performance.now();
  document.head.append(Object.assign(document.createElement("style"), { textContent: css }));
  const revive = (value) => value && value.base64 ? new DataView(Uint8Array.from(atob(value.base64), (c) => c.charCodeAt(0)).buffer)
    : Array.isArray(value) ? value.map(revive)
    : value && typeof value === "object" ? Object.fromEntries(Object.entries(value).map(([k, v]) => [k, revive(v)])) : value;
  const listeners = new Map();
  const values = revive(state);
  window.sent = [];
  const model = {
    get: (name) => values[name],
    set: (name, value) => { values[name] = value; },
    save_changes: () => {},
    on: (name, fn) => listeners.set(name, [...(listeners.get(name) ?? []), fn]),
    off: (name, fn) => listeners.set(name, (listeners.get(name) ?? []).filter((one) => one !== fn)),
    send: (message) => window.sent.push(message),
  };
  window.update = (changed) => {
    const revived = revive(changed);
    Object.assign(values, revived);
    for (const name of Object.keys(revived)) for (const fn of listeners.get(`change:${name}`) ?? []) fn();
  };
  window.deliver = (message) => { for (const fn of listeners.get("msg:custom") ?? []) fn(message, []); };
  window.left = () => [...listeners.values()].flat().length;
  const url = URL.createObjectURL(new Blob([esm], { type: "text/javascript" }));
  const { default: { render } } = await import(url);
  window.unmount = await render({ model, el: document.getElementById("view") });
  document.getElementById("view").getBoundingClientRect();
  return performance.now() - began;
}"""

TIMERS: Final = """() => {
  const begin = window.setTimeout.bind(window);
  const end = window.clearTimeout.bind(window);
  const waiting = new Map();
  let ahead = 0;
  const now = () => performance.now() + ahead;
  window.setTimeout = (work, delay = 0) => {
    const timer = begin(() => { waiting.delete(timer); work(); }, delay);
    waiting.set(timer, { work, due: now() + delay });
    return timer;
  };
  window.clearTimeout = (timer) => { waiting.delete(timer); end(timer); };
  window.runFor = (duration) => {
    const until = now() + duration;
    for (;;) {
      const [timer, { work, due }] = [...waiting].reduce((a, b) => (b[1].due < a[1].due ? b : a), [0, { due: Infinity }]);
      if (due > until) break;
      window.clearTimeout(timer);
      ahead += Math.max(0, due - now());
      work();
    }
    ahead += Math.max(0, until - now());
  };
  const soon = window.requestAnimationFrame.bind(window);
  window.framesDrawn = () => new Promise((done) => soon(() => soon(done)));
}"""
"""Gives a page timers that can be run ahead of their time, and a promise of its next frame: what scrolled is told of by that."""


class NotedComm(BaseComm):
    """A comm without a wire that notes what is sent, as ipywidgets' own tests have it: all that a widget needs without a page."""

    def __init__(self, log: list[dict[str, Any]], **kwargs: Any) -> None:
        self.log = log
        super().__init__(**kwargs)

    def publish_msg(
        self, msg_type: str, data: Any = None, metadata: Any = None, buffers: Any = None, **_keys: Any
    ) -> None:
        """Note the message."""
        self.log.append({"type": msg_type, "data": data or {}, "buffers": buffers or [], "metadata": metadata})

    def receive(self, content: dict[str, Any]) -> None:
        """Deliver a message of the page."""
        self.handle_msg({"content": {"data": {"method": "custom", "content": content}}, "buffers": []})


class Pages:
    """Pages of a browser that are used again: the process of a new one costs more than most tests."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._empty: list[Page] = []

    def take(self) -> Page:
        """Return an empty page."""
        return self._empty.pop() if self._empty else self._browser.new_page(device_scale_factor=1.5)

    def give_back(self, page: Page) -> None:
        """Keep an empty page for the next who asks."""
        self._empty.append(page)


class Mounted:
    """A view on a page.

    Attributes:
        page: The page.
        view: The Python half.
        errors: What the page's scripts threw.
        first_row_ms: Milliseconds from the view's state to a page that shows it, drawn.
    """

    def __init__(self, page: Page, view: View, *, dark: bool = False, width: int = 960) -> None:
        self.page, self.view = page, view
        self.errors: list[str] = []
        page.on("pageerror", self._note)
        page.on("dialog", self._refuse)
        values = {
            "THEME": "false" if dark else "true",
            "SURFACE": "#111111" if dark else "#ffffff",
            "WIDTH": str(width),
        }
        html = PAGE
        for name, value in values.items():
            html = html.replace(name, value)
        page.set_viewport_size({"width": width + 16, "height": 900})
        page.set_content(html)
        page.evaluate(TIMERS)
        self._log: list[dict[str, Any]] = []
        view.comm = NotedComm(self._log)
        self._state = self._traits()
        self.first_row_ms: float = page.evaluate(MOUNT, [view._esm, view._css, self._state])

    def draw_again(self) -> None:
        """Draw the same view once more, as a second cell does that shows it."""
        self.page.evaluate(MOUNT, [self.view._esm, self.view._css, self._state])

    def resize(self, width: int) -> None:
        """Give the view another width."""
        self.page.set_viewport_size({"width": width + 16, "height": 900})
        self.page.evaluate("(width) => { document.querySelector('#view').style.width = `${width}px`; }", width)
        self.pump()

    @property
    def root(self) -> Locator:
        """The view's element."""
        return self.page.locator("#view")

    def pump(self) -> list[dict[str, Any]]:
        """Hand what the page sent to the Python half, and the traits that changed back to the page."""
        messages: list[dict[str, Any]] = self.page.evaluate(
            "async () => { await window.framesDrawn(); window.runFor(180); return window.sent.splice(0); }"
        )
        for message in messages:
            self._handle(message)
        traits = self._traits()
        changed = {name: value for name, value in traits.items() if value != self._state[name]}
        self._state = traits
        self.page.evaluate("(changed) => window.update(changed)", changed)
        for answer in self._answers():
            self.page.evaluate("(message) => window.deliver(message)", answer)
        return messages

    def _answers(self) -> list[Any]:
        """The messages of its own that the view has sent; its traits are carried above."""
        noted = [message["data"] for message in self._log if message["type"] == "comm_msg"]
        self._log.clear()
        return [json.loads(json.dumps(data["content"])) for data in noted if data["method"] == "custom"]

    def screenshot(self, name: str) -> None:
        """Keep a picture to look at."""
        SCREENS.mkdir(exist_ok=True)
        self.root.screenshot(path=SCREENS / f"{name}.png")

    def leave(self) -> Page:
        """Return the page, empty again: its next view finds nothing of this one."""
        self.page.remove_listener("pageerror", self._note)
        self.page.remove_listener("dialog", self._refuse)
        self.page.mouse.move(0, 0)
        self.page.goto("about:blank")
        return self.page

    def _note(self, error: Error) -> None:
        self.errors.append(str(error))

    def _refuse(self, dialog: Dialog) -> None:
        self.errors.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _handle(self, message: dict[str, Any]) -> None:
        if not isinstance(self.view, StepperView):
            self.view._handle_custom_msg(message, [])
            return
        # Playwright's own loop runs in this thread, so the command gets a thread with a loop of its own.
        with ThreadPoolExecutor(1) as pool:
            pool.submit(asyncio.run, self.view.perform(message)).result()

    def _traits(self) -> dict[str, Any]:
        names = [
            name
            for name in self.view.keys
            if not name.startswith("_") and name not in {"layout", "tabbable", "tooltip"}
        ]
        state: dict[str, Any] = json.loads(
            json.dumps({name: getattr(self.view, name) for name in names}, default=_buffer)
        )
        return state


def _buffer(value: bytes) -> dict[str, str]:
    from base64 import b64encode  # noqa: PLC0415 - only for the two views that carry bytes

    return {"base64": b64encode(value).decode()}


def state_bytes(view: View) -> int:
    """How much of a view goes to the page, without its code."""
    state = {name: value for name, value in view.get_state().items() if name not in {"_esm", "_css"}}
    return len(json.dumps(state, default=str))


Mount = Callable[..., Mounted]
"""Puts a view on a page of its own; options as of `Mounted`."""

"""What a person does and sees in a notebook: the words that the tests of this room are written in."""

import re
from pathlib import Path
from typing import Final

from playwright.sync_api import ConsoleMessage, Error, Locator, Page, expect

SCREENS: Final = Path(__file__).parents[1] / "_screens"
"""Where pictures go, to be looked at by a person; git ignores the folder."""

PATIENCE_MS: Final = 30_000
"""How long to wait for what should come; a kernel start is the slowest, 3 s on a free machine."""

DONE: Final = re.compile(r"^\[\d+\]:$")
"""The prompt of a cell that has run; `[*]:` while it runs, `[ ]:` before."""


OPEN: Final = """async ([path, theme]) => {
  await jupyterapp.commands.execute("apputils:change-theme", { theme });
  await jupyterapp.commands.execute("docmanager:open", { path });
}"""
"""What a click on a theme and on a file do, for a person who has JupyterLab open."""

NO_SPLASH: Final = "() => document.getElementById('jupyterlab-splash') === null"
"""A theme shows the splash again; JupyterLab 4.6 removes it twice, which throws, if the first one is still fading."""


class LabPage:
    """One notebook in one browser tab.

    Attributes:
        page: The playwright page, for what these words cannot say.
        errors: What the page's scripts threw or reported as an error; a test ends by comparing it with `[]`.
    """

    def __init__(self, page: Page) -> None:
        self.page = page
        self.errors: list[str] = []
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", self._throw)
        page.on("console", self._note)

    def open(self, path: str, *, theme: str = "light") -> None:
        """Open a notebook and wait until its kernel can be used."""
        self.page.wait_for_function("() => window.jupyterapp !== undefined", timeout=PATIENCE_MS)
        self.page.evaluate("async () => { await jupyterapp.restored; }")
        self.page.wait_for_function(NO_SPLASH, timeout=PATIENCE_MS)
        # Before the kernel's first word the page says `idle` of a kernel that it has not reached, and drops keys.
        with self.page.expect_websocket(lambda socket: "/channels" in socket.url, timeout=PATIENCE_MS) as channels:
            self.page.evaluate(OPEN, [path, f"JupyterLab {theme.title()}"])
        channels.value.wait_for_event("framereceived", timeout=PATIENCE_MS)
        idle = self.page.locator(
            ".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook-ExecutionIndicator[data-status='idle']"
        )
        expect(idle).to_be_visible(timeout=PATIENCE_MS)
        expect(self.page.locator(".jp-Spinner")).to_have_count(0, timeout=PATIENCE_MS)

    def leave(self) -> None:
        """Close what is open, saved or not, and note no more errors."""
        self.page.remove_listener("pageerror", self._throw)
        self.page.remove_listener("console", self._note)
        self.page.evaluate("() => { for (const one of [...jupyterapp.shell.widgets('main')]) one.dispose(); }")

    def cell(self, number: int) -> Locator:
        """The code cell `number`, counted from 0."""
        return self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-CodeCell").nth(number)

    def output(self, number: int) -> Locator:
        """The output area below code cell `number`."""
        return self.cell(number).locator(".jp-Cell-outputArea")

    def start(self, number: int) -> None:
        """Run a cell and do not wait for its end."""
        self.cell(number).locator(".jp-InputArea-prompt").first.click()
        self.page.keyboard.press("Control+Enter")

    def run(self, number: int) -> None:
        """Run a cell and wait until it is done."""
        prompt = self.cell(number).locator(".jp-InputArea-prompt").first
        # A new kernel counts from 1: the number may be the one that stands there, so that is wiped before.
        prompt.evaluate("(element) => { element.textContent = 'not yet'; }")
        self.start(number)
        expect(prompt).to_have_text(DONE, timeout=PATIENCE_MS)

    def sees(self, text: str | re.Pattern[str], *, cell: int) -> None:
        """Wait until the output of a cell holds this text."""
        expect(self.output(cell)).to_contain_text(text, timeout=PATIENCE_MS)

    def sees_no(self, text: str | re.Pattern[str], *, cell: int) -> None:
        """Wait until the output of a cell does not hold this text."""
        expect(self.output(cell)).not_to_contain_text(text, timeout=PATIENCE_MS)

    def click(self, name: str, *, cell: int) -> None:
        """Click the button with this name in the output of a cell."""
        self.output(cell).get_by_role("button", name=name, exact=True).click()

    def screenshot(self, name: str, *, cell: int | None = None) -> Path:
        """Save a picture of the page, or of one cell, to look at."""
        SCREENS.mkdir(exist_ok=True)
        target = SCREENS / f"{name}.png"
        if cell is None:
            self.page.screenshot(path=target)
        else:
            self.cell(cell).screenshot(path=target)
        return target

    def _throw(self, error: Error) -> None:
        self.errors.append(error.stack or str(error))

    def _note(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(message.text)

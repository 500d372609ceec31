"""Markdown of a model: what is drawn of it, and that nothing else comes to the page, whatever it is."""

import re
from functools import partial
from html.parser import HTMLParser
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lash_nb.views import TurnDisplay, turn_html, turn_text
from lash_nb.views._markdown import markdown  # a card holds more than the text that is looked at here
from tests.views import samples
from tests.views.injections import INJECTIONS
from tests.views.markdown_reply import REPLY
from tests.work import lines_run

WAYS: Final = (
    "{}",
    "# {}",
    "- {}\n  - {}",
    "> {}",
    "**{}** _{}_",
    "`{}`",
    "```{}\n{}\n```",
    "| {} | b |\n|:-|-:|\n| {} | {} |",
    "[{}](https://example.org)",
    "[here]({})",
    "[here](<{}>)",
    '[here](https://example.org/{} "{}")',
    "![{}]({})",
    "<{}>",
    "<https://example.org/{}>",
    "[a]\n\n[a]: {}",
    r"\({}\) $${}$$",
)
"""Where in Markdown a text may stand."""
TAGS: Final = {
    *("p", "div", "span", "b", "a", "br", "hr", "pre", "code", "em", "strong", "s", "ul", "ol", "li", "blockquote"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
LINK: Final = [("target", "_blank"), ("rel", "noopener noreferrer nofollow")]
STYLES: Final = ("url(", "expression", "position", "/*", "\\", "@")


class Seen(HTMLParser):
    """Notes every tag, attribute and address that is not one of ours, and what is read."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.foreign: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Compare with what we write."""
        allowed = {"a": {"href", "title", "target", "rel"}, "ol": {"start", "style"}}
        here = allowed.get(tag, {"style", "role", "aria-level", "aria-label"})
        self.foreign += [tag] * (tag not in TAGS)
        self.foreign += [f"{tag} {name}={value}" for name, value in attrs if not self._is_ours(here, name, value or "")]
        self.foreign += [f"a {attrs}"] * (tag == "a" and attrs[2:] != LINK)
        self.text += "\n" * (tag == "br")

    def handle_data(self, data: str) -> None:
        """Keep what is read."""
        self.text += data

    def _is_ours(self, allowed: set[str], name: str, value: str) -> bool:
        if name == "href":
            return value.lower().startswith(("https://", "http://", "mailto:"))
        return name in allowed and not (name == "style" and any(word in value for word in STYLES))


def drawn(text: str) -> str:
    """The card's row of a reply."""
    return turn_html(samples.FinishedTurn(reply=text))


def read(text: str) -> str:
    """What is read of a text's Markdown."""
    return Seen(markdown(text) or "").text


def test_all_of_markdown_has_its_element() -> None:
    """Headings, lists, emphasis, code, tables, quotes, rules, links."""
    html = markdown(REPLY) or ""

    assert Seen(html).foreign == []
    assert [f"<{tag}" in html for tag in sorted(TAGS)] == [True] * len(TAGS)
    assert html.count('role="heading"') == 3
    assert html.count("<li") == 7
    assert "def warmest(readings: dict[str, float]) -&gt; str:\n    #" in html


def test_tasks_have_a_box() -> None:
    """Open or ticked, also in a numbered list, and read aloud; brackets elsewhere, and those without a task, stay."""
    html = (
        markdown("- [x] done\n- [ ] *open*\n  1. [X] numbered\n- plain [x] here\n- [ ]\n- [y] z\n\n[x] no item") or ""
    )

    assert re.findall('aria-label="(.*?)".*?>(.)</span>(<?\\w+)', html) == [
        ("done", "☑", "done"),
        ("open", "☐", "<em"),
        ("done", "☑", "numbered"),
    ]
    assert html.count("list-style:none") == 2
    assert Seen(html).text == "☑done☐open☑numberedplain [x] here[ ][y] z[x] no item"
    assert Seen(html).foreign == []


def test_a_text_without_markdown_stays_as_it_is() -> None:
    """Its lines and blanks are the writer's, and nothing is folded below it."""
    said = "Two  blanks, snake_case_names, 3 * 4\nand a second line, AT&T.\n\nDone [1]."

    assert markdown(said) is None
    assert f'pre-wrap;">{said.replace("&", "&amp;")}</div>' in drawn(said)
    assert "as said" not in drawn(said)


def test_the_reply_can_be_copied_as_it_was_said() -> None:
    """Below its Markdown, folded; the text face is the reply itself."""
    html = drawn("**Warm**, [here](https://example.org).")

    assert "<strong>Warm</strong>" in html
    assert html.index("<summary") < html.index("**Warm**, [here](https://example.org).</pre>")
    assert "**Warm**, [here](https://example.org)." in turn_text(
        samples.FinishedTurn(reply="**Warm**, [here](https://example.org).")
    )


def test_a_running_turn_shows_plain_text() -> None:
    """Half of a table is none, and what is drawn with every piece must be cheap; the finished card is drawn once."""
    display = TurnDisplay()
    events = samples.activities({"type": "assistant_prose_delta", "text": "**Warm** and | dry"})
    display.apply(events[0])

    assert "**Warm** and | dry<span>▌</span>" in display.html()
    display.finish(samples.FinishedTurn(events))
    assert "<strong>Warm</strong> and | dry" in display.html()


@pytest.mark.parametrize(
    ("said", "seen"),
    [
        ("[here](https://example.org/a?b#c)", "here (example.org)"),
        ("[https://bank.example](https://evil.example)", "https://bank.example (evil.example)"),
        ("[bank.example](https://BANK.example/login)", "bank.example"),
        ("<https://example.org/a>", "https://example.org/a"),
        ("<a.b@example.org>", "a.b@example.org"),
        ("[](https://example.org)", "example.org"),
        ("![a *chart*](https://example.org/x.png)", "image: a *chart* (example.org)"),
        ("[![badge](https://a.example/x.svg)](https://b.example)", "image: badge (b.example)"),
    ],
)
def test_the_host_of_a_link_is_read(said: str, seen: str) -> None:
    """Beside the label, where the label is not the address; a picture is a link to it, and no link stands in a link."""
    html = markdown(said) or ""

    assert html.count("<a ") == 1
    assert Seen(html).text == seen


@pytest.mark.parametrize(
    ("said", "addresses"),
    [
        ("See https://example.org/a_b?c=d#e.", ["https://example.org/a_b?c=d#e"]),
        ("(HTTP://example.org/a_(b)), **https://example.org/**", ["HTTP://example.org/a_(b)", "https://example.org/"]),
        ("| https://a.example | `https://b.example` |\n|-|-|", ["https://a.example"]),
        ("[1]: https://example.org 'x'", ["https://example.org"]),
        ("[see https://a.example](https://b.example)", ["https://b.example"]),
        ("https://bank.example@evil.example, https://, xhttps://a.b, javascript://a.b, file://a, https:a.b", []),
        ("https://a.example" + ")" * 1_900, ["https://a.example"]),
        ("https://a.example/" + "a" * 2_000, []),
    ],
)
def test_an_address_in_a_text_is_a_link(said: str, addresses: list[str]) -> None:
    """As far as a reader takes it for one: without the point of the sentence and the bracket around it; in code it is code."""
    assert re.findall('href="([^"]*)"', markdown(said) or "") == addresses


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "java&#10;script:alert(1)",
        "data:text/html;base64,PHNjcmlwdD4=",
        "vbscript:x",
        "file:///etc/passwd",
        "https://bank.example@evil.example/",
        "https:evil.example",
        "//evil.example",
        "/files/secret",
        "#top",
        "mailto:a@b.c?bcc=everybody@evil.example",
        "https://bank.example%2eevil.example",
        "https://[::1]/",
    ],
)
@pytest.mark.parametrize("way", ["[x]({})", "[x](<{}>)", "![x]({})", "<{}>"])
def test_other_addresses_are_only_told(address: str, way: str) -> None:
    """Scripts, data, files, the notebook's own server, names in front of the host: text, which no click follows."""
    assert "<a " not in (markdown(way.format(address)) or "")


def test_money_and_formulas_stay_text() -> None:
    """No dollar is lost, and what stands in a formula is not Markdown."""
    said = r"It is $5 *or* $6; \( a_1 * b_1 * c \), \[x_{[1]}(y)\] and $$ \frac{a}{b} *i* $$."

    assert read(said) == said.replace("*or*", "or")


def test_nothing_that_was_said_is_hidden() -> None:
    """Definitions of references and comments, which Markdown swallows, are text."""
    said = "**A**\n\n[//]: # (a word to nobody)\n\n[1]: https://example.org 'x'\n\n<!-- another -->"

    assert "[//]: # (a word to nobody)" in read(said)
    assert "[1]: https://example.org 'x'" in read(said)
    assert "<!-- another -->" in read(said)


def test_masks_are_taken_off_and_letters_stay() -> None:
    """Directions and controls, written or as entities, are seen as `�`; joiners and blanks of other scripts are letters to us."""
    said = "**a**\u202eb &#x202e;c &#x2066;d\x1b[31m می\u200cخواهم 👩\u200d🚀 5\u00a0km"

    assert read(said) == "a\ufffdb \ufffdc \ufffdd\ufffd[31m می\u200cخواهم 👩\u200d🚀 5\u00a0km"
    assert "\u202e" not in drawn(said)
    assert "\u202e" not in drawn("a\u202eb")


BOMBS: Final = (
    ">" * 3000 + " a",
    "- " * 3000 + "a",
    "*a " * 5000 + "a* " * 5000,
    "\n".join(">" * 19 + "a" for _ in range(900)) + "\na" * 1900,
    "[" * 20_000,
    "![" * 10_000,
    "[a](" * 5000,
    "\n" * 19_000 + "**a**",
    ("https://a" + ")" * 1_900 + "\n") * 10 + ">" * 20 + " a",
    "|a" * 4 + "|\n" + "|-" * 4 + "|\n" + "a\n" * 1900,
    "|a" * 60 + "|\n" + "|-" * 60 + "|\n" + "a\n" * 1_000,
)


@pytest.mark.parametrize("bomb", BOMBS, ids=lambda bomb: repr(bomb[:12]))
def test_what_is_too_much_is_shown_as_it_was_said(bomb: str) -> None:
    """Levels, lines and brackets without end: bounded work, bounded size, no word lost, and it is told."""
    html = drawn(bomb)

    assert len(html) < 1_500_000
    assert "as it was said" in html
    assert bomb.rsplit(maxsplit=1)[-1].replace(">", "&gt;") in html


def test_a_reply_of_ten_megabytes_costs_as_much_as_its_beginning() -> None:
    """The rest is counted, not read."""
    said = "**Warm** and `dry`, see [here](https://example.org).\n\n"
    drawn(said)
    short, long = (lines_run(partial(drawn, text)) for text in (said * 400, said * 200_000))

    assert "characters more: result.reply" in drawn(said * 1_000)
    assert long < short * 1.01


@pytest.mark.parametrize("evil", INJECTIONS)
def test_no_injection_gets_through(evil: str) -> None:
    """In every place of Markdown, and alone."""
    seen = [Seen(markdown(way.replace("{}", evil)) or "").foreign for way in WAYS]

    assert seen == [[]] * len(WAYS)


_PIECES: Final = st.sampled_from(
    [
        *("#", "- ", "1. ", "> ", "*", "**", "_", "~~", "`", "```", "|", "|-|-|\n", "\n", "\n\n", "    ", "\t", "\\"),
        *(
            "[",
            "]",
            "](",
            "![",
            ")",
            "<",
            ">",
            "&",
            ";",
            "&#x202e;",
            "&lt;",
            '"',
            "'",
            "$",
            "$$",
            r"\(",
            r"\)",
            "---\n",
        ),
        *(
            "https://a.b",
            "javascript:",
            "mailto:a@b",
            "data:image/png;base64,",
            "<script>",
            "style=",
            "onerror=",
            " a ",
        ),
    ]
)


_WORDS: Final = st.sampled_from(
    [
        *("#", "- ", "1. ", "> ", ">" * 9, "- " * 9, "*", "**", "_", "~~", "\n", "\n\n", "    ", "\\", "---\n"),
        *("a", "sky ", "wind"),
    ]
)
_TOLD: Final = "Too many lines, brackets, cells or levels to be read as Markdown, so as it was said:"


@given(st.lists(_PIECES | st.text(max_size=5), max_size=60).map("".join))
def test_whatever_is_said_only_our_markup_is_drawn(said: str) -> None:
    """No tag, attribute or address beyond ours, and no character that turns the text around."""
    seen = Seen(markdown(said) or "")

    assert seen.foreign == []
    assert "\u202e" not in seen.text


@given(st.lists(_WORDS, max_size=80).map("".join))
def test_no_word_is_lost(said: str) -> None:
    """However deep quotes and lists nest, and whatever closes what: every letter is read, in its order."""
    html = markdown(said)
    seen = said if html is None else Seen(html).text.removeprefix(_TOLD)

    assert re.sub("[^a-z]", "", seen) == re.sub("[^a-z]", "", said)

"""What records say, for every face that shows them: the cause of a failure, a question, and what the host kept out."""

from collections.abc import Mapping
from typing import Any, Final

from lash_nb.trace import is_withheld, latest_messages, read_fact

__all__ = ["TEXTS_WITHHELD", "WITHHELD", "WITHHELD_HINT", "cause_of", "question_of", "unless_withheld"]

WITHHELD: Final = "withheld"
"""What stands where a text, a value or a payload would, if the host had not kept it out of the record."""
TEXTS_WITHHELD: Final = "texts withheld by the host"
"""What is said of such a record."""
WITHHELD_HINT: Final = "the host kept their texts out; what is empty there may not have been"
"""What is said where such records are counted."""


def cause_of(body: Mapping[str, Any]) -> tuple[str, str]:
    """Return code and message of a failure, as far as its record tells them; some are nothing but a text."""
    code, message = (read_fact(name, body) for name in ("error_code", "error_message"))
    whole = body.get("error") or read_fact("result", body)
    if code is None and message is None and isinstance(whole, str):
        message = whole
    return (str(code) if code else ""), (str(message) if message else "")


def question_of(body: Mapping[str, Any]) -> str:
    """Return what was asked last in a request: the text of its last message from a user."""
    for message in latest_messages(body):
        texts = [one.text for one in message.pieces if one.kind == "text" and isinstance(one.text, str)]
        if message.role == "user" and texts:
            return "\n".join(texts).strip()
    return unless_withheld("", body)


def unless_withheld(words: str, body: Mapping[str, Any]) -> str:
    """Return the words; where there are none because the host kept them out, that."""
    return words or (WITHHELD if is_withheld(body) else "")

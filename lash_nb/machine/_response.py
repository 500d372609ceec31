"""What a model said, taken apart (lash 0.1.0-alpha.37, turns §1.2)."""

from lash_nb.wire import LlmOutputPart, LlmResponse, TextPart

__all__ = ["append_assistant_text_part", "normalized_response_parts"]


def normalized_response_parts(response: LlmResponse) -> tuple[LlmOutputPart, ...]:
    """Return the parts of a response; one of text when the provider gave only the full text."""
    if response.parts or not response.full_text:
        return response.parts
    return (LlmOutputPart(Text=TextPart(text=response.full_text)),)


def append_assistant_text_part(text: str, part: str) -> str:
    """Return `text` with one more part, set off by a blank line: two newlines, counting those that are there."""
    if not text:
        return part
    there = len(text) - len(text.rstrip("\n")) + len(part) - len(part.lstrip("\n"))
    return text + "\n" * (2 - there) + part

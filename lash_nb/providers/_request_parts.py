"""What the bodies of all protocols share: pictures, and how long an answer may be (lash 0.1.0-alpha.37, turns §15.1 and §15.3)."""

from base64 import b64encode
from typing import Final

from lash_nb.errors import LlmTransportError
from lash_nb.providers._options import ProviderOptions
from lash_nb.wire import LlmAttachment, LlmContentBlock, LlmMessage, LlmRequest

__all__ = ["base64_text", "check_images", "data_url", "numbered_blocks", "output_token_cap"]

_IMAGE_TYPES: Final = ("image/jpeg", "image/png", "image/gif", "image/webp")
_OTHER_NAMES: Final = {"image/jpg": "image/jpeg"}
_DEFAULT_OUTPUT_TOKENS: Final = 32_768


def output_token_cap(request: LlmRequest, options: ProviderOptions) -> int:
    """Return the most tokens of the answer: what the request says, else the options, else 32,768."""
    return request.generation.output_token_cap or options.max_output_tokens or _DEFAULT_OUTPUT_TOKENS


def check_images(request: LlmRequest, *, who: str) -> None:
    """Make sure that models read the pictures of `request`.

    Args:
        request: The request.
        who: Name of the endpoint, for the message.

    Raises:
        LlmTransportError: `unsupported_image_format`, of kind `validation`.
    """
    for place, attachment in enumerate(request.attachments):
        mime = attachment.mime.strip().lower()
        if _OTHER_NAMES.get(mime, mime) not in _IMAGE_TYPES:
            raise LlmTransportError(
                f"{who} does not accept image attachments of type `{attachment.mime}` (attachment index {place});"
                f" accepted: {', '.join(_IMAGE_TYPES)}",
                kind="validation",
                code="unsupported_image_format",
            )


def numbered_blocks(message: LlmMessage) -> list[tuple[int, LlmContentBlock]]:
    """Return the blocks of a message with their numbers, thoughts before what was said.

    A session keeps the prose of an answer before the reasoning that led to its calls (turns §9); who thought it wants it back as it was, and
    refuses an answer that begins otherwise.
    """
    blocks = list(enumerate(message.blocks))
    if not any(block.Reasoning for block in message.blocks[1:]):
        return blocks
    first_call = next((number for number, block in blocks if block.ToolCall), len(blocks))
    said = sorted(blocks[:first_call], key=lambda one: one[1].Reasoning is None)
    return [*said, *blocks[first_call:]]


def base64_text(attachment: LlmAttachment) -> str:
    """Return the bytes of a picture as base64."""
    return b64encode(attachment.data).decode()


def data_url(attachment: LlmAttachment) -> str:
    """Return a picture as a `data:` URL."""
    return f"data:{attachment.mime};base64,{base64_text(attachment)}"

"""Asking a model beside the conversation: from a tool by its context, from a session by its handle (lash 0.1.0-alpha.37, turns §12.4)."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, Generic, Literal, NoReturn, Protocol, TypedDict, TypeVar, Unpack, overload

import msgspec
from msgspec import Struct
from pydantic import BaseModel

from lash_nb.errors import CallerError, DirectCompletionError
from lash_nb.plugins._direct_forms import REPAIR, Form, UnfitAnswerError, is_form, output_of, read_form
from lash_nb.plugins._picture import check_direct_picture, direct_pictures
from lash_nb.wire import (
    CausalRef,
    CausalToolCall,
    DirectMessage,
    DirectPart,
    DirectRequest,
    DirectRole,
    GenerationOptions,
    Json,
    LlmAttachment,
    LlmResponse,
    LlmUsage,
    MediaType,
    ModelSpec,
    Octets,
    RuntimeReplay,
    sniff_image,
)
from lash_nb.words import legible, told_repr

__all__ = ["DETACHED", "AskDirectly", "DirectCompletion", "DirectCompletions"]

Value = TypeVar("Value")
Model = TypeVar("Model", bound=BaseModel)


_CUT: Final = {
    "output_limit": "it was cut off at the output limit, so allow more output tokens",
    "content_filter": "the provider's content filter cut it off",
}
"""Ends after which asking again would end alike, and what to say of them."""


class _Asked(TypedDict, total=False):
    """What every direct completion may say, whatever the form of its answer."""

    system: str | None
    pictures: Iterable[Any]
    model: str | None
    model_variant: str | None
    output_token_cap: int | None
    usage_source: str | None
    replay_key: str | None


class AskDirectly(Protocol):
    """Performs a direct completion as an effect."""

    def __call__(
        self, request: DirectRequest, usage_source: str, caused_by: CausalRef | None, /
    ) -> Awaitable[LlmResponse]:
        """Ask the model; what it cost becomes a ledger row under `usage_source`."""
        ...


@dataclass(frozen=True, slots=True)
class DirectCompletion(Generic[Value]):
    """What a direct completion gave."""

    value: Value
    """The answer in the form that was asked for: text, a JSON object, or an instance of the model class."""
    response: LlmResponse
    """The whole response."""
    first: LlmResponse | None = None
    """An answer before it that had another form, so that the model was asked once more."""

    def __repr__(self) -> str:
        """Tell the most of it; each name is what can be written behind it."""
        first = {} if self.first is None else {"first.full_text": self.first.full_text}
        usage = {"usage.input_tokens": self.usage.input_tokens, "usage.output_tokens": self.usage.output_tokens}
        return told_repr("DirectCompletion", {"value": self.value, **first, **usage})

    @property
    def text(self) -> str:
        """The answer as the model wrote it."""
        return _text(self.response)

    @property
    def usage(self) -> LlmUsage:
        """Tokens that it cost, a first answer of another form included."""
        last = self.response.usage
        if self.first is None:
            return last
        return LlmUsage(
            **{name: getattr(last, name) + getattr(self.first.usage, name) for name in LlmUsage.__struct_fields__}
        )


class DirectCompletions(Struct, frozen=True, kw_only=True):
    """Asks a model once, with nothing of the conversation: the session keeps only what it cost, in a ledger row of its own.

    Each call is an effect of kind `direct`: recorded, traced, and in a stepped turn stopped before and injected as any other.
    """

    ask: AskDirectly
    """Who performs it."""
    model: Callable[[], ModelSpec]
    """The session's model, which answers unless another one is named."""
    usage_source: str
    """Label of the ledger rows, unless a call has its own."""
    caused_by: CausalRef | None = None
    """What asks."""

    def __repr__(self) -> str:
        return f"DirectCompletions(usage_source={self.usage_source!r}, caused_by={self.caused_by!r})"

    def for_call(self, session_id: str, call_id: str) -> "DirectCompletions":
        """Return what asks on behalf of a tool call."""
        cause = CausalToolCall(session_id=session_id, call_id=call_id)
        return DirectCompletions(ask=self.ask, model=self.model, usage_source=self.usage_source, caused_by=cause)

    async def complete(self, request: DirectRequest, *, usage_source: str | None = None) -> DirectCompletion[str]:
        """Perform a request that is written out in full, and return its answer as text.

        Raises:
            DirectCompletionError: the call failed.
            CallerError: `direct_image_missing`, or `direct_request`, a picture that is none.
            RuntimeEffectControllerError: a picture cannot be stored, or the effect host failed.
        """
        for picture in request.attachments:
            if picture.data and picture.reference is None and MediaType.from_mime(picture.mime):
                check_direct_picture(picture.data)
        return await self._completed(request, usage_source)

    async def _completed(self, request: DirectRequest, usage_source: str | None) -> DirectCompletion[str]:
        response = await self.ask(request, usage_source or self.usage_source, self.caused_by)
        return DirectCompletion(_text(response), response)

    @overload
    async def __call__(
        self, prompt: str, *, output: Literal["text"] = "text", **asked: Unpack[_Asked]
    ) -> DirectCompletion[str]: ...
    @overload
    async def __call__(
        self, prompt: str, *, output: Literal["json"], **asked: Unpack[_Asked]
    ) -> DirectCompletion[dict[str, Json]]: ...
    @overload
    async def __call__(
        self, prompt: str, *, output: type[Model], **asked: Unpack[_Asked]
    ) -> DirectCompletion[Model]: ...
    async def __call__(
        self,
        prompt: str,
        *,
        output: Literal["text", "json"] | type[BaseModel] = "text",
        system: str | None = None,
        pictures: Iterable[Any] = (),
        model: str | None = None,
        model_variant: str | None = None,
        output_token_cap: int | None = None,
        usage_source: str | None = None,
        replay_key: str | None = None,
    ) -> DirectCompletion[Any]:
        """Ask the model and return its answer.

        Args:
            prompt: What to ask.
            output: The form of the answer: `text`, `json` for any JSON object, or a pydantic model class, whose schema the provider gets.
                An answer of another form goes back once with what is wrong with it; what comes then counts.
            system: What the model is to be.
            pictures: Pictures, shown behind the prompt: each bytes of a PNG, JPEG, GIF, WebP or BMP, the path of such a file, or a figure of matplotlib.
            model: Another model than the session's.
            model_variant: Its variant; without a `model` the session's own.
            output_token_cap: Most tokens to generate.
            usage_source: Label of the ledger row.
            replay_key: A key of the caller's own; a durable host answers a repeated call of this key from its record.

        Raises:
            DirectCompletionError: the call failed, or the answer has not the form that was asked for.
            CallerError: `direct_request`, something that cannot be asked, or a picture that is none.
            RuntimeEffectControllerError: a picture cannot be stored, or the effect host failed.
        """
        _check(prompt, output, output_token_cap)
        own, shown = self.model(), tuple(map(_attachment, direct_pictures(pictures)))
        messages = [] if system is None else [_message("system", system)]
        request = DirectRequest(
            model=own.id if model is None else model,
            model_variant=own.variant if model is None and model_variant is None else model_variant,
            messages=(*messages, _message("user", prompt, len(shown))),
            attachments=shown,
            generation=GenerationOptions(output_token_cap=output_token_cap),
            output=output_of(output),
            replay=None if replay_key is None else RuntimeReplay(key=replay_key),
        )
        given = await self._completed(request, usage_source)
        try:
            return DirectCompletion(read_form(given.text, output), given.response)
        except UnfitAnswerError as error:
            fault = error
        return await self._asked_again(request, given.response, output, fault, usage_source)

    async def _asked_again(
        self, request: DirectRequest, first: LlmResponse, form: Form, fault: UnfitAnswerError, usage_source: str | None
    ) -> DirectCompletion[Any]:
        """Show the model what is wrong with its answer, and take the second one."""
        text = _text(first)
        if first.terminal_reason in _CUT:
            raise DirectCompletionError(f"{fault}: {_CUT[first.terminal_reason]}{_quoted(text)}", answer=text)
        told = (_message("assistant", text), _message("user", REPAIR.format(fault=fault)))
        key = request.replay and RuntimeReplay(key=f"{request.replay.key}:repair")
        again = msgspec.structs.replace(request, messages=(*request.messages, *told), replay=key)
        try:
            second = await self._completed(again, usage_source)
        except DirectCompletionError as error:
            raise DirectCompletionError(
                f"{fault}, and asking again failed: {error.detail}{_quoted(text)}",
                answer=text,
                failure_code=error.failure_code,
                retryable=error.retryable,
            ) from error
        try:
            return DirectCompletion(read_form(second.text, form), second.response, first)
        except UnfitAnswerError as error:
            raise DirectCompletionError(
                f"{error}, though the model was asked twice; say in the prompt what you want{_quoted(second.text)}",
                answer=second.text,
            ) from error


def _detached() -> NoReturn:
    raise CallerError(
        "nobody answers here: this context belongs to no session; call the tool from a turn", code="direct_detached"
    )


async def _nobody(_request: DirectRequest, _usage_source: str, _caused_by: CausalRef | None, /) -> LlmResponse:
    _detached()


DETACHED: Final = DirectCompletions(ask=_nobody, model=_detached, usage_source="tool")
"""What a context has that belongs to no session: every call is refused (`direct_detached`)."""


def _check(prompt: object, output: object, output_token_cap: int | None) -> None:
    if not isinstance(prompt, str):
        fault = (
            f"the prompt must be a text, got {type(prompt).__name__}; a whole DirectRequest is for direct.complete(…)"
        )
    elif not is_form(output):
        fault = f"output must be 'text', 'json' or a pydantic model class, got {output!r:.80}"
    elif output_token_cap is not None and output_token_cap < 1:
        fault = f"output_token_cap must be at least 1, got {output_token_cap}; leave it out for no cap"
    else:
        return
    raise CallerError(fault, code="direct_request")


def _message(role: DirectRole, text: str, pictures: int = 0) -> DirectMessage:
    shown = (DirectPart(Image=index) for index in range(pictures))
    return DirectMessage(role=role, parts=(DirectPart(Text=text), *shown))


def _attachment(data: bytes) -> LlmAttachment:
    return LlmAttachment(mime=f"image/{sniff_image(data) or 'png'}", data=Octets(data))


def _quoted(answer: str) -> str:
    """The answer for a message: a cell of the notebook has no error to look into, and a single line for what is wrong."""
    return f"; the answer was {legible(repr(answer), 200)}"


def _text(response: LlmResponse) -> str:
    """All that was said; a provider that leaves the whole text out has said it in parts."""
    return response.full_text or "".join(part.Text.text for part in response.parts if part.Text)

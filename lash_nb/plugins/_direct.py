"""Asking a model beside the conversation: from a tool by its context, from a session by its handle (lash 0.1.0-alpha.37, turns §12.4)."""

import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final, Generic, Literal, NoReturn, Protocol, TypedDict, TypeVar, Unpack, overload

from pydantic import BaseModel, ValidationError

from lash_nb.errors import CallerError, DirectCompletionError, WireError
from lash_nb.wire import (
    CausalRef,
    CausalToolCall,
    DirectMessage,
    DirectPart,
    DirectRequest,
    DirectRole,
    GenerationOptions,
    Json,
    JsonSchemaSpec,
    LlmAttachment,
    LlmResponse,
    LlmUsage,
    ModelSpec,
    Octets,
    OutputJsonSchema,
    RuntimeReplay,
    from_json,
    sniff_image,
)

__all__ = ["DETACHED", "AskDirectly", "DirectCompletion", "DirectCompletions"]

Value = TypeVar("Value")
Model = TypeVar("Model", bound=BaseModel)


class _Asked(TypedDict, total=False):
    """What every direct completion may say, whatever the form of its answer."""

    system: str | None
    pictures: Iterable[bytes]
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

    @property
    def text(self) -> str:
        """The answer as the model wrote it."""
        return _text(self.response)

    @property
    def usage(self) -> LlmUsage:
        """Tokens that it cost."""
        return self.response.usage


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectCompletions:
    """Asks a model once, with nothing of the conversation: the session keeps only what it cost, in a ledger row of its own.

    Each call is an effect of kind `direct`: recorded, traced, and in a stepped turn stopped before and injected as any other.
    """

    ask: AskDirectly = field(repr=False)
    """Who performs it."""
    model: Callable[[], ModelSpec] = field(repr=False)
    """The session's model, which answers unless another one is named."""
    usage_source: str
    """Label of the ledger rows, unless a call has its own."""
    caused_by: CausalRef | None = None
    """What asks."""

    def for_call(self, session_id: str, call_id: str) -> "DirectCompletions":
        """Return what asks on behalf of a tool call."""
        cause = CausalToolCall(session_id=session_id, call_id=call_id)
        return DirectCompletions(ask=self.ask, model=self.model, usage_source=self.usage_source, caused_by=cause)

    async def complete(self, request: DirectRequest, *, usage_source: str | None = None) -> DirectCompletion[str]:
        """Perform a request that is written out in full, and return its answer as text.

        Raises:
            DirectCompletionError: the call failed.
            CallerError: `direct_image_missing`.
            RuntimeEffectControllerError: a picture cannot be stored, or the effect host failed.
        """
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
        pictures: Iterable[bytes] = (),
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
            system: What the model is to be.
            pictures: Bytes of pictures, shown behind the prompt.
            model: Another model than the session's.
            model_variant: Its variant; without a `model` the session's own.
            output_token_cap: Most tokens to generate.
            usage_source: Label of the ledger row.
            replay_key: A key of the caller's own; a durable host answers a repeated call of this key from its record.

        Raises:
            DirectCompletionError: the call failed, or the answer has not the form that was asked for.
            CallerError: `direct_request`, something that cannot be asked.
            RuntimeEffectControllerError: a picture cannot be stored, or the effect host failed.
        """
        _check(prompt, output, output_token_cap)
        own, shown = self.model(), tuple(map(_attachment, pictures))
        messages = [] if system is None else [_message("system", system)]
        request = DirectRequest(
            model=own.id if model is None else model,
            model_variant=own.variant if model is None and model_variant is None else model_variant,
            messages=(*messages, _message("user", prompt, len(shown))),
            attachments=shown,
            generation=GenerationOptions(output_token_cap=output_token_cap),
            output=_OUTPUTS.get(output) or _schema(output),
            replay=None if replay_key is None else RuntimeReplay(key=replay_key),
        )
        given = await self.complete(request, usage_source=usage_source)
        return DirectCompletion(_read(given.text, output), given.response)


def _detached() -> NoReturn:
    raise CallerError(
        "nobody answers here: this context belongs to no session; call the tool from a turn", code="direct_detached"
    )


async def _nobody(_request: DirectRequest, _usage_source: str, _caused_by: CausalRef | None, /) -> LlmResponse:
    _detached()


DETACHED: Final = DirectCompletions(ask=_nobody, model=_detached, usage_source="tool")
"""What a context has that belongs to no session: every call is refused (`direct_detached`)."""

_OUTPUTS: Final[dict[Any, Literal["Text", "JsonObject"]]] = {"text": "Text", "json": "JsonObject"}

_NO_NAME: Final = re.compile(r"[^A-Za-z0-9_-]+")
"""What providers refuse in the name of a schema: generic models have brackets."""


def _check(prompt: object, output: object, output_token_cap: int | None) -> None:
    if not isinstance(prompt, str):
        fault = (
            f"the prompt must be a text, got {type(prompt).__name__}; a whole DirectRequest is for direct.complete(…)"
        )
    elif not (output in _OUTPUTS if isinstance(output, str) else _is_model(output)):
        fault = f"output must be 'text', 'json' or a pydantic model class, got {output!r:.80}"
    elif output_token_cap is not None and output_token_cap < 1:
        fault = f"output_token_cap must be at least 1, got {output_token_cap}; leave it out for no cap"
    else:
        return
    raise CallerError(fault, code="direct_request")


def _is_model(output: object) -> bool:
    return isinstance(output, type) and issubclass(output, BaseModel)


def _schema(model: Any) -> OutputJsonSchema:
    name = _NO_NAME.sub("_", model.__name__)
    return OutputJsonSchema(JsonSchema=JsonSchemaSpec(name=name, schema=model.model_json_schema(), strict=True))


def _message(role: DirectRole, text: str, pictures: int = 0) -> DirectMessage:
    shown = (DirectPart(Image=index) for index in range(pictures))
    return DirectMessage(role=role, parts=(DirectPart(Text=text), *shown))


def _attachment(data: bytes) -> LlmAttachment:
    return LlmAttachment(mime=f"image/{sniff_image(data) or 'png'}", data=Octets(data))


def _text(response: LlmResponse) -> str:
    """All that was said; a provider that leaves the whole text out has said it in parts."""
    return response.full_text or "".join(part.Text.text for part in response.parts if part.Text)


def _read(text: str, output: Literal["text", "json"] | type[BaseModel]) -> Any:
    if output == "text":
        return text
    if output == "json":
        return _json_object(text)
    try:
        return output.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or "the answer"
        fault = f"the answer is no {output.__name__} ({place}: {first['msg']})"
        raise DirectCompletionError(f"{fault}; ask again, or read `error.answer`", answer=text) from error


def _json_object(text: str) -> dict[str, Json]:
    try:
        value = from_json(text)
    except WireError as error:
        raise _no_object(text) from error
    if not isinstance(value, dict):
        raise _no_object(text)
    return value


def _no_object(text: str) -> DirectCompletionError:
    return DirectCompletionError("the answer is no JSON object; ask again, or read `error.answer`", answer=text)

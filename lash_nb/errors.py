"""Every error the library raises: one hierarchy, each with a stable `code`.

A message says what happened, with the value, and what to do next. Fields carry the facts, so a program never parses a message.
Codes are the reference's own where it has one (lash 0.1.0-alpha.37).
"""

from collections.abc import Mapping
from itertools import takewhile
from pathlib import Path
from traceback import extract_tb
from types import MappingProxyType
from typing import Any, ClassVar, Final

from lash_nb.words import legible

__all__ = [
    "AttachmentStoreError",
    "CallerError",
    "DirectCompletionError",
    "EmbedError",
    "LashError",
    "LashRuntimeError",
    "LiveReplayError",
    "LlmTransportError",
    "PluginActionError",
    "PluginError",
    "RuntimeEffectControllerError",
    "SessionError",
    "StoreError",
    "ToolRegistryError",
    "TraceReadError",
    "WireError",
    "exception_text",
    "wrong_type",
]

_PACKAGE: Final = str(Path(__file__).parent)


class LashError(Exception):
    """Root of all errors of this library.

    What it shows of itself is safe to print: control characters are replaced, and what is very long is cut aloud.

    Attributes:
        code: Stable machine-readable name of what went wrong.
        message: What happened, with the value, then what to do next.
    """

    code: str = "lash"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code

    def __str__(self) -> str:
        return legible(self.message)

    @property
    def coded(self) -> str:
        """The code and the message, as a cell shows them."""
        return f"{self.code}: {self.message}"

    def __reduce__(self) -> tuple[Any, ...]:
        """Rebuild from fields, so that an error survives pickling between processes."""
        return (_rebuild, (type(self), self.args, self.__dict__.copy()))

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows in place of a traceback: code and message, and which line called the library; `%debug` goes deeper."""
        callers = [*takewhile(lambda frame: not frame.filename.startswith(_PACKAGE), extract_tb(self.__traceback__))]
        where = f"  (line {callers[-1].lineno}: {callers[-1].line})" if callers and callers[-1].line else ""
        return [f"{type(self).__name__}: {legible(self.coded)}{where}"]


def _rebuild(cls: type[LashError], args: tuple[Any, ...], fields: dict[str, Any]) -> LashError:
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(fields)
    return error


class _QuotingError(LashError):
    """Tells in our words what others wrote or asked for: legible as it is made, wherever the message goes."""

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(legible(message), code=code)


class CallerError(_QuotingError):
    """The library was asked for something that cannot be: a wrong argument, name or order of calls."""

    code = "caller"


class WireError(_QuotingError):
    """Serialized data that is not what its type says.

    Attributes:
        path: Where in the document, as in `$.invocation.scope`; empty when unknown.
    """

    code = "wire"

    def __init__(self, message: str, *, path: str = "", code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.path = path


class TraceReadError(_QuotingError):
    """A trace source that cannot be opened at all; a bad line is never this, it is a row in `Trace.errors`."""

    code = "trace_read"


class LashRuntimeError(LashError):
    """A turn ended without a result (the reference's RuntimeError `{code, message}`)."""

    code = "runtime"

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message, code=code)
        self.args = (code, message)

    def __str__(self) -> str:
        return legible(self.coded)


class RuntimeEffectControllerError(LashRuntimeError):
    """The effect host could not perform an envelope; `code` is the reference's, e.g. `runtime_effect_replay_required`."""

    code = "runtime_effect_controller"


class EmbedError(LashError):
    """The facade refused to build or open something; `code` is the reference's variant, e.g. `MissingModelSpec`.

    Attributes:
        fields: The facts of the variant, those of `variants`.
    """

    code = "EmbedError"
    variants: ClassVar[Mapping[str, tuple[str, ...]]] = MappingProxyType(
        {
            "NoModesInstalled": (),
            "DefaultModeNotInstalled": ("mode",),
            "ModeNotInstalled": ("mode",),
            "MissingModelSpec": (),
            "MissingEffectHost": (),
            "MissingLashlangArtifactStore": (),
            "MissingAttachmentStore": (),
            "StoreFactory": ("session_id", "message"),
            "StoreSessionMismatch": ("loaded", "requested"),
            "MissingProcessWorkerStoreFactory": (),
            "DurableStorePeerRequired": ("facet",),
            "DurableProcessRegistryRequiresStoreFactory": (),
            "ProcessRegistryRequiresStoreFactory": (),
            "MissingProcessRegistry": (),
            "MissingSessionStoreFactory": (),
            "SessionDeleteProcess": ("session_id", "message"),
            "MissingPluginTurnInput": ("plugin_id",),
            "ProtocolTurnOptions": (),
            "DurableEffectHostRequiresHandlerContext": ("operation",),
        }
    )
    """Every variant with its fields. What the reference wraps as Session, Runtime, Plugin or Control is raised as it is."""

    def __init__(self, variant: str, message: str, /, **fields: Any) -> None:
        super().__init__(message, code=variant)
        self.args = (variant, message)
        self.variant = variant
        self.fields = fields


class SessionError(LashError):
    """A session cannot be built, restored or used; `code` is the reference's variant, e.g. `Protocol`."""

    code = "Protocol"

    def __init__(self, variant: str, message: str, **fields: Any) -> None:
        super().__init__(message, code=variant)
        self.args = (variant, message)
        self.variant = variant
        self.fields = fields


class PluginError(LashError):
    """A plugin failed in one of its four duties.

    Attributes:
        kind: `registration`, `snapshot`, `invoke` or `session`.
        detail: The plugin's own text.
    """

    code = "plugin"
    kinds: ClassVar[tuple[str, ...]] = ("registration", "snapshot", "invoke", "session")

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(f"plugin {kind} error: {detail}")
        self.args = (kind, detail)
        self.kind = kind
        self.detail = detail


class PluginActionError(PluginError):
    """A plugin action was not even tried; its `kind` is `invoke`.

    Attributes:
        variant: `Unknown`, `MissingSession` or `UnexpectedSession`.
        action: What was called.
    """

    code = "plugin_action"

    def __init__(self, variant: str, detail: str, action: str) -> None:
        super().__init__("invoke", detail)
        self.args = (variant, detail, action)
        self.variant = variant
        self.action = action


class DirectCompletionError(PluginError):
    """A model call beside the conversation gave nothing to use; its `kind` is `session`.

    Attributes:
        answer: What the model said, when it is not in the form that was asked for; None when the call failed.
        failure_code: Why the call failed, in the words of its provider.
        retryable: Whether the same call may succeed later.
    """

    code = "direct_completion"

    def __init__(
        self, detail: str, *, answer: str | None = None, failure_code: str | None = None, retryable: bool = False
    ) -> None:
        super().__init__("session", detail)
        self.args = (detail,)
        self.answer = answer
        self.failure_code = failure_code
        self.retryable = retryable


class ToolRegistryError(LashError):
    """A tool source, name or tool state that the registry cannot accept; `code` is `Validation`, `UnknownSource` or `GenerationMismatch`."""

    code = "Validation"


class StoreError(LashError):
    """A session store refused or failed; `code` is the reference's variant, e.g. `HeadRevisionConflict`.

    Attributes:
        fields: The facts of the variant, e.g. `expected` and `actual`.
    """

    code = "Backend"

    def __init__(self, variant: str, message: str, **fields: Any) -> None:
        super().__init__(message, code=variant)
        self.args = (variant, message)
        self.variant = variant
        self.fields = fields


class AttachmentStoreError(LashError):
    """Attachment bytes cannot be read or written; `code` is `NotFound`, `Io`, `MissingMeta` or `ManifestRecordFailed`."""

    code = "Io"

    def __init__(self, variant: str, message: str, **fields: Any) -> None:
        super().__init__(message, code=variant)
        self.args = (variant, message)
        self.variant = variant
        self.fields = fields


class LiveReplayError(LashError):
    """A watcher of a session cannot catch up; `code` is the reference's variant, e.g. `WrongSession`.

    Attributes:
        fields: The facts of the variant, those of `variants`.
    """

    code = "Store"
    variants: ClassVar[Mapping[str, tuple[str, ...]]] = MappingProxyType(
        {
            "Malformed": ("message",),
            "WrongSession": ("expected", "actual"),
            "Store": ("message",),
            "SubscriberLagged": ("count",),
            "Closed": (),
        }
    )

    def __init__(self, variant: str, message: str, /, **fields: Any) -> None:
        super().__init__(message, code=variant)
        self.args = (variant, message)
        self.variant = variant
        self.fields = fields


class LlmTransportError(LashError):
    """A model call failed below the protocol; what a provider raises.

    Attributes:
        kind: `transport`, `timeout`, `http`, `stream`, `auth`, `validation`, `quota`, `unsupported` or `unknown`.
        retryable: Whether the same call may succeed later.
        status: HTTP status, when there was one.
        raw: The provider's own text.
        retry_after_ms: What the provider asked to wait, in milliseconds.
        request_body: The request as it was sent, when the provider keeps it.
        terminal_reason: The reason the call ended, as in `LlmResponse`.
    """

    code = "llm_transport"

    def __init__(
        self,
        message: str,
        *,
        kind: str = "unknown",
        retryable: bool = False,
        code: str | None = None,
        status: int | None = None,
        raw: str | None = None,
        retry_after_ms: int | None = None,
        request_body: str | None = None,
        terminal_reason: str = "provider_error",
    ) -> None:
        super().__init__(message)
        self.provider_code = code
        self.kind = kind
        self.retryable = retryable
        self.status = status
        self.raw = raw
        self.retry_after_ms = retry_after_ms
        self.request_body = request_body
        self.terminal_reason = terminal_reason


def exception_text(error: BaseException) -> str:
    """Return what an exception says; of one that cannot even say that, that it cannot."""
    try:
        return str(error)
    except Exception as second:  # noqa: BLE001 - an exception of the user's own may do anything
        return f"its text could not be made: {type(second).__name__}"


def wrong_type(wanted: str, value: object, *, instead: str) -> CallerError:
    """Return the error of somebody who gave a value of another type.

    Args:
        wanted: What belongs there, with its article.
        value: What was given.
        instead: What to write, as in `ScriptedProvider(["Hello."])`.
    """
    return CallerError(f"{wanted} belongs here, not {type(value).__name__}: {instead}")

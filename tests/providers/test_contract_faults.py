"""What every provider keeps that calls a model over HTTP: each fault is one `LlmTransportError` that says what happened."""

import asyncio
import gzip
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import suppress
from copy import copy
from pathlib import Path
from typing import Any

import pytest

from lash_nb.clock import ManualClock
from lash_nb.errors import LlmTransportError
from lash_nb.providers import (
    DeltaEvent,
    LlmProvider,
    LlmStreamEvent,
    ProviderHandle,
    ProviderOptions,
    RetryStatusStream,
    classify_failure,
)
from lash_nb.wire import LlmResponse
from tests.providers.requests import request, tool, user
from tests.providers.servers import DROP, HANG, Answer, Called, Dialect, ModelServer, Said, answered

ASKED = request(user("hi"))
HELLO = Said(text=("Hel", "lo"))
KEY = "sk-planted-key-0000000001"


def options(**reliability: Any) -> ProviderOptions:
    """Options with these settings of reliability."""
    return ProviderOptions.model_validate({"reliability": reliability})


async def failure(
    provider: LlmProvider, told: list[LlmStreamEvent] | None = None, *, within: float = 2
) -> LlmTransportError:
    """Ask, and return how it fails."""
    with pytest.raises(LlmTransportError) as raised:
        async with asyncio.timeout(within):
            await provider.complete(ASKED, ([] if told is None else told).append)
    return raised.value


def unheard(_: LlmStreamEvent) -> None:
    """Ask for a stream, and listen to nothing."""


async def refusal(dialect: Dialect, answer: Answer) -> LlmTransportError:
    """Ask a server that says `answer`, and return how it fails."""
    async with ModelServer(answer) as server:
        return await failure(dialect.provider(server.url, key=KEY))


def refused(dialect: Dialect, status: int, message: str = "no", code: str = "bad", **headers: str) -> Answer:
    """The answer that refuses."""
    return Answer.of_json(dialect.failure(message, code, status), status, **headers)


@pytest.mark.parametrize(
    ("status", "kind", "retryable"),
    [
        (400, "validation", False),
        (401, "auth", False),
        (403, "auth", False),
        (404, "http", False),
        (408, "http", True),
        (413, "validation", False),
        (429, "http", True),
        (500, "http", True),
        (503, "http", True),
        (529, "http", False),
    ],
)
async def test_a_status_says_what_a_refusal_means(dialect: Dialect, status: int, kind: str, *, retryable: bool) -> None:
    """The status decides; it is the code, too, and the server's own words are kept."""
    error = await refusal(dialect, refused(dialect, status, "they said no"))
    meaning = classify_failure(error)

    assert (meaning.kind, meaning.retryable) == (kind, retryable)
    assert (error.status, error.provider_code) == (status, str(status))
    assert f"request failed with {status}: they said no" in error.message
    assert "they said no" in (error.raw or "")
    assert '"hi"' in (error.request_body or "")


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"retry_after": "2"}, 2_000),
        ({"retry_after": "Fri, 01 Jan 2027 00:00:00 GMT"}, None),
        ({"retry_after": "9" * 5_000}, None),
        ({}, None),
    ],
)
async def test_a_server_may_say_how_long_to_wait(
    dialect: Dialect, headers: dict[str, str], expected: int | None
) -> None:
    """Whole seconds count; a date does not."""
    error = await refusal(dialect, refused(dialect, 429, **headers))

    assert error.retry_after_ms == expected


async def test_a_key_that_is_refused(dialect: Dialect) -> None:
    """The message says so, and does not have the key though the server repeats it."""
    error = await refusal(dialect, refused(dialect, 401, f"Incorrect API key provided: {KEY}"))

    assert error.message.endswith("Incorrect API key provided: [secret]; the key was refused: check it")
    assert KEY not in repr(vars(error))


async def test_a_quota_that_is_used_up(dialect: Dialect) -> None:
    """Asking again would not help."""
    answer = refused(dialect, 429, "You exceeded your current quota, see billing", "insufficient_quota")
    meaning = classify_failure(await refusal(dialect, answer))

    assert (meaning.kind, meaning.retryable) == ("quota", False)


async def test_a_prompt_that_is_too_long(dialect: Dialect) -> None:
    """The turn learns that the context is full."""
    answer = refused(dialect, 400, "prompt is too long: 210000 tokens > 200000 maximum")
    meaning = classify_failure(await refusal(dialect, answer))

    assert (meaning.kind, meaning.terminal_reason) == ("validation", "context_overflow")


async def test_a_refusal_with_a_status_that_says_all_is_well(dialect: Dialect) -> None:
    """Some servers and many gateways do that: it is the refusal all the same."""
    error = await refusal(dialect, Answer.of_json(dialect.failure("they said no", "bad")))

    assert error.message.endswith("they said no")
    assert classify_failure(error).retryable is False


async def test_waiting_for_ever(dialect: Dialect) -> None:
    """Both timeouts can be left out."""
    forever = options(timeouts={"request_timeout": False, "chunk_timeout": False})
    async with ModelServer(answered(dialect, HELLO)) as server:
        provider = dialect.provider(server.url, options=forever)
        told, whole = await provider.complete(ASKED, unheard), await provider.complete(ASKED)

    assert (told.full_text, whole.full_text) == ("Hello", "Hello")


async def test_an_error_page(dialect: Dialect) -> None:
    """Of a text that is no JSON the beginning is shown, and no key that it would cut in two."""
    page = b"<html>" + b"." * 180 + KEY.encode() + b"</html>"
    error = await refusal(dialect, Answer([page], 502, "text/html"))

    assert error.message.endswith("with 502: <html>" + "." * 180 + "[secret]</html>"[:14])
    assert (error.raw or "").endswith("[secret]</html>")


def _until_lo(dialect: Dialect) -> list[bytes]:
    """The events of `HELLO` up to the one that ends its text."""
    stream = dialect.stream(HELLO)
    last = next(place for place, event in enumerate(stream) if b'"lo"' in event)
    return stream[: last + 1]


async def test_a_failure_inside_a_stream(dialect: Dialect) -> None:
    """What the server says decides whether asking again may help; text before it was told."""
    begun = _until_lo(dialect)
    for passes in (True, False):
        told: list[LlmStreamEvent] = []
        async with ModelServer(Answer([*begun, dialect.failure_event("it broke", passes=passes), HANG])) as server:
            error = await failure(dialect.provider(server.url), told)

        assert error.message.endswith("it broke")
        assert error.retryable is passes
        assert any(isinstance(event, DeltaEvent) for event in told)


@pytest.mark.parametrize(
    ("pieces", "code"),
    [
        ([b"data: {not json}\n\n"], "invalid_json"),
        ([b'data: {"a": "\xff\xfe"}\n\n'], "invalid_utf8"),
        ([b"data: [1, 2]\n\n"], "invalid_json"),
        ([b"data: " + b"[" * 100_000 + b"\n\n"], "invalid_json"),
        ([b"data: {", DROP], "stream_broken"),
        ([b"what is this\n\n"], "stream_incomplete"),
        ([], "stream_incomplete"),
    ],
)
async def test_a_stream_that_is_none(dialect: Dialect, pieces: list[Any], code: str) -> None:
    """Whatever comes instead of events ends the call with a code of its own."""
    error = await refusal(dialect, Answer(pieces))

    assert error.provider_code == code


@pytest.mark.parametrize(
    ("body", "content_type", "code"),
    [
        (b"<html>Sign in to the hotel's network</html>", "text/html; charset=utf-8", "wrong_content_type"),
        (b"all right", "text/plain", "wrong_content_type"),
        (b'{"a": 1', "application/json", "invalid_json"),
        (b'{"a": "\xff"}', "application/json", "invalid_utf8"),
        (b"null", "application/json", "invalid_json"),
    ],
)
async def test_a_body_that_is_no_answer(dialect: Dialect, body: bytes, content_type: str, code: str) -> None:
    """A page, a text, half a document: the message shows its beginning."""
    error = await refusal(dialect, Answer([body], content_type=content_type))

    assert error.provider_code == code
    assert body[:4].decode() in error.message


@pytest.mark.parametrize("wrong", [[], {}, "x", 7, None], ids=repr)
async def test_json_of_the_wrong_form(dialect: Dialect, wrong: Any) -> None:
    """Whatever stands where something else should: a response or an `LlmTransportError`, nothing else."""
    whole = dialect.whole(Said(text=("a",), thought=("b",), calls=(Called("c", "look", ("{}",)),), reason="tool_use"))
    documents = list(_damaged(whole, wrong))
    async with ModelServer(map(Answer.of_json, documents)) as server:
        provider = dialect.provider(server.url)
        for _ in documents:
            with suppress(LlmTransportError):
                assert isinstance(await provider.complete(ASKED, unheard), LlmResponse)


def _damaged(value: Any, wrong: Any) -> Iterator[Any]:
    """Every document that differs from `value` in one place, which has `wrong`."""
    yield wrong
    places = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    for place, inner in places:
        for hurt in _damaged(inner, wrong):
            damaged = copy(value)
            damaged[place] = hurt
            yield damaged


@pytest.mark.parametrize("encoding", ["gzip, gzip", "gzip,deflate", "br", " ZSTD "])
async def test_an_answer_that_is_compressed_as_nobody_asked(dialect: Dialect, encoding: str) -> None:
    """Kilobytes that are packed twice are gigabytes: nothing of them is unpacked."""
    packed = gzip.compress(gzip.compress(b"data: " + b"x" * 1_000_000))
    error = await refusal(dialect, Answer([packed], headers={"content-encoding": encoding}))

    assert (error.kind, error.provider_code) == ("stream", "content_encoding")


async def test_an_answer_that_is_compressed_once(dialect: Dialect) -> None:
    """It is asked for, and read."""
    async with ModelServer(answered(dialect, HELLO)) as plain:
        response = await dialect.provider(plain.url).complete(ASKED, unheard)
    body = b"".join(one for one in answered(dialect, HELLO).pieces if isinstance(one, bytes))
    async with ModelServer(Answer([gzip.compress(body)], headers={"content-encoding": "gzip"})) as server:
        unpacked = await dialect.provider(server.url).complete(ASKED, unheard)

    assert unpacked.full_text == response.full_text == "Hello"
    assert server.asked[0].headers["accept-encoding"] == "gzip, deflate"


async def test_a_connection_that_breaks_in_mid_stream(dialect: Dialect) -> None:
    """Text that came was told; the call fails, and may be tried again."""
    *begun, last = _until_lo(dialect)
    told: list[LlmStreamEvent] = []
    async with ModelServer(Answer([*begun, last.rstrip(), DROP])) as server:
        error = await failure(dialect.provider(server.url), told)

    assert (error.provider_code, error.kind, error.retryable) == ("stream_broken", "transport", True)
    assert "".join(event.text for event in told if isinstance(event, DeltaEvent)) == "Hello"


async def test_a_stream_that_ends_before_the_answer(dialect: Dialect) -> None:
    """Half an answer is never taken for one."""
    error = await refusal(dialect, Answer(_until_lo(dialect)))

    assert (error.provider_code, error.retryable) == ("stream_incomplete", True)


async def test_a_server_that_hangs_up_at_once(dialect: Dialect) -> None:
    """Nothing was answered at all."""

    def nothing(_: object) -> Answer:
        raise ConnectionResetError

    async with ModelServer(nothing) as server:
        error = await failure(dialect.provider(server.url))

    assert (error.provider_code, error.kind, error.retryable) == ("unreachable", "transport", True)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
async def test_a_local_server_that_does_not_run(dialect: Dialect, host: str) -> None:
    """Nobody waits for it: the first refusal ends the call, and the message says where it looked and what to start."""
    async with ModelServer(answered(dialect, HELLO)) as server:
        pass
    url, told, clock = server.url.replace("127.0.0.1", host), list[LlmStreamEvent](), ManualClock()
    with pytest.raises(LlmTransportError) as raised:
        await ProviderHandle(dialect.provider(url)).complete(ASKED, told.append, clock=clock)
    error = raised.value

    assert (error.provider_code, error.kind, clock.monotonic_ns(), told) == ("no_local_server", "transport", 0, [])
    assert f"{url}{dialect.path}" in error.message
    assert "start the server (Ollama: `ollama serve`; vLLM: `vllm serve MODEL`), or check base_url" in error.message


async def test_what_to_start_at_a_known_port(dialect: Dialect) -> None:
    """The usual port of a server says which one is missing."""
    with socket.socket() as taken:
        if taken.connect_ex(("127.0.0.1", 11434)) == 0:
            pytest.skip("Ollama runs on this machine")
    error = await failure(dialect.provider("http://127.0.0.1:11434"))

    assert "Ollama's port: `ollama serve`" in error.message


async def test_a_remote_server_that_does_not_answer(dialect: Dialect) -> None:
    """A network may come back, so the call is made again; the message names the address."""
    url, clock = "http://nobody.invalid", ManualClock()
    with pytest.raises(LlmTransportError) as raised:
        await ProviderHandle(dialect.provider(url)).complete(ASKED, clock=clock)
    error = raised.value

    assert (error.provider_code, error.kind, clock.monotonic_ns()) == ("unreachable", "transport", 14_000_000_000)
    assert f"{url}{dialect.path}" in error.message
    assert "check base_url" in error.message


async def test_an_answer_that_does_not_start(dialect: Dialect) -> None:
    """The time until the answer starts is limited: by the shorter of both timeouts, since a stream was asked for."""
    for timeouts in ({"request_timeout": 40}, {"chunk_timeout": 40, "request_timeout": False}):
        async with ModelServer(Answer(before=5)) as server:
            error = await failure(dialect.provider(server.url, options=options(timeouts=timeouts)))

        assert (error.provider_code, error.kind, error.retryable) == ("timeout", "timeout", True)
        assert "response start timed out after 0.04 s" in error.message


async def test_a_stream_that_stops_coming(dialect: Dialect) -> None:
    """The time between two pieces is limited; an event that lacks only its blank line is told first."""
    *begun, last = _until_lo(dialect)
    told: list[LlmStreamEvent] = []
    async with ModelServer(Answer([*begun, last.rstrip(), HANG])) as server:
        provider = dialect.provider(server.url, options=options(timeouts={"chunk_timeout": 60}))
        error = await failure(provider, told)

    assert (error.provider_code, error.kind, error.retryable) == ("timeout", "timeout", True)
    assert "stream chunk timed out after 0.06 s" in error.message
    assert "".join(event.text for event in told if isinstance(event, DeltaEvent)) == "Hello"


async def test_a_body_that_stops_coming(dialect: Dialect) -> None:
    """An answer in one piece has to be there within the time of the request."""
    async with ModelServer(Answer([b'{"a":', HANG], content_type="application/json")) as server:
        error = await failure(dialect.provider(server.url, options=options(timeouts={"request_timeout": 60})))

    assert error.provider_code == "timeout"
    assert "response body timed out" in error.message


async def test_a_call_that_is_cancelled_lets_the_server_go(dialect: Dialect) -> None:
    """The connection is closed at once; the next call works."""
    stream, begun = dialect.stream(HELLO), asyncio.Event()
    first = 1 + next(place for place, event in enumerate(stream) if b"Hel" in event)
    async with ModelServer([Answer([*stream[:first], HANG]), answered(dialect, HELLO)]) as server:
        provider = dialect.provider(server.url)
        asking = asyncio.create_task(provider.complete(ASKED, lambda _: begun.set()))
        await asyncio.wait_for(begun.wait(), 1)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await asyncio.wait_for(server.left.wait(), 1)
        response = await provider.complete(ASKED)

    assert response.full_text == "Hello"


async def test_a_server_that_sends_elsewhere_is_not_followed(dialect: Dialect) -> None:
    """The key is for one server; the message says where the other one is."""
    async with ModelServer(answered(dialect, HELLO)) as other:
        error = await refusal(dialect, Answer(status=307, headers={"location": f"{other.url}/v1"}))

    assert other.asked == []
    assert error.message.endswith(f"; it moved to {other.url}/v1: give that as base_url")


async def test_calls_that_the_token_limit_cut_off(dialect: Dialect) -> None:
    """The answer ended at its limit, and says within which call."""
    said = Said(calls=(Called("c1", "look", ('{"q": "unfin',)),), reason="output_limit")
    async with ModelServer(answered(dialect, said)) as server:
        response = await dialect.provider(server.url).complete(request(user("hi"), tools=[tool("look")]), unheard)

    assert response.terminal_reason == "output_limit"
    assert response.terminal_diagnostic == (
        "The model stopped at its output limit within the call of look (terminal reason OutputLimit),"
        " so nothing was called; allow more output tokens."
    )


async def test_two_calls_with_one_id(dialect: Dialect) -> None:
    """The second one gets an id of its own: a session tells calls apart by their ids."""
    said = Said(calls=(Called("c1", "look", ("{}",)), Called("c1", "find", ("{}",))), reason="tool_use")
    async with ModelServer(answered(dialect, said)) as server:
        response = await dialect.provider(server.url).complete(ASKED, unheard)

    calls = [part.ToolCall for part in response.parts if part.ToolCall]
    assert [call.tool_name for call in calls] == ["look", "find"]
    assert calls[0].call_id == "c1"
    assert calls[1].call_id not in {"", "c1"}


async def test_the_handle_tries_again(dialect: Dialect) -> None:
    """A server that was busy twice is asked three times, each wait as it says or as the options say."""
    answers = [refused(dialect, 503), refused(dialect, 429, retry_after="7"), answered(dialect, HELLO)]
    clock, told = ManualClock(), list[LlmStreamEvent]()
    async with ModelServer(answers) as server:
        response = await ProviderHandle(dialect.provider(server.url)).complete(ASKED, told.append, clock=clock)

    waits = [event.wait_seconds for event in told if isinstance(event, RetryStatusStream)]
    assert (response.full_text, waits, len(server.asked)) == ("Hello", [2, 7], 3)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate that nobody knows, and its key, in one file."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl on this machine")
    made = tmp_path_factory.mktemp("tls") / "server.pem"
    asked = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=127.0.0.1"
    subprocess.run(
        [openssl, *asked.split(), "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", made, "-out", f"{made}.crt"],
        check=True,
        capture_output=True,
    )
    made.write_bytes(made.read_bytes() + Path(f"{made}.crt").read_bytes())
    return made


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    """What a server needs to be reached by https."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


async def test_a_certificate_that_is_not_trusted(dialect: Dialect, tls: ssl.SSLContext) -> None:
    """The call fails for good, the key stays here, and the message says how to trust it."""
    async with ModelServer(answered(dialect, HELLO), tls=tls) as server:
        error = await failure(dialect.provider(server.url, key=KEY))

    assert (error.provider_code, classify_failure(error).retryable) == ("tls", False)
    assert "certificate is not trusted" in error.message
    assert "SSL_CERT_FILE" in error.message
    assert server.asked == []


async def test_a_certificate_of_ones_own(
    dialect: Dialect, tls: ssl.SSLContext, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What `SSL_CERT_FILE` names is trusted."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    async with ModelServer(answered(dialect, HELLO), tls=tls) as server:
        response = await dialect.provider(server.url).complete(ASKED, unheard)

    assert response.full_text == "Hello"


async def test_a_server_that_speaks_no_tls(dialect: Dialect) -> None:
    """An `https` address of an `http` server."""
    async with ModelServer(answered(dialect, HELLO)) as server:
        error = await failure(dialect.provider(server.url.replace("http:", "https:")))

    assert (error.provider_code, error.kind) == ("unreachable", "transport")
    assert "SSL" in error.message

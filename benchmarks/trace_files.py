"""Traces of any size to measure with, the same on every machine: agents that ask models and call tools, as lash writes it.

Sessions of several turns run side by side; the request of a model call holds what was said in its turn before, so it grows; some answers
are streamed, some calls fail or are cancelled, some turns never end. A record has about 1 kB on average; recorded traces have 0.7 to 2 kB.
"""

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

__all__ = ["write_trace"]

SEED: Final = 37
AT_ONCE: Final = 4
"""Sessions that run side by side."""
TURNS: Final = 8
"""Turns of a session, at most."""
BEGAN: Final = 1_795_273_200_000_000_000
MODELS: Final = ("gpt-5.4", "claude-opus-4.6", "gemini-3-pro")
TOOLS: Final = ("search_notes", "read_file", "weather", "run_query")
WORDS: Final = (
    "the tide at Ærø turns before noon and the wind keeps to the west",
    "rows were read from station seven",
    r"it says \"Größe 12\" – and nothing else",
    r"line one\nline two\n\tline three",
    "https://example.org/a/b?c=1&d=2",
    "because the first answer was empty, another one was asked for",
    "no change since yesterday",
    "東京の天気",
)
"""What is said, as it stands in JSON: mostly plain, some escapes, some other scripts."""
SCHEMA: Final = '{"properties":{"path":{"type":"string"},"limit":{"type":"integer","minimum":1}},"required":["path"],"type":"object"}'
TOOL_SPECS: Final = ",".join(
    f'{{"name":"{name}","description":"The {name} tool.","input_schema":{SCHEMA},"output_schema":null}}'
    for name in TOOLS
)
NO_STREAM: Final = (
    '{"avg_visible_chunk_chars":null,"first_visible_token_latency_ms":null,"max_visible_chunk_chars":null,'
    '"stream_duration_ms":null,"text_delta_count":0,"visible_chunk_count":0}'
)


def write_trace(path: Path, size: int) -> int:
    """Write a trace of `size` bytes, give or take a record, and return the number of its records."""
    count = written = 0
    with path.open("wb") as file:
        for line in _lines():
            written += file.write(line.encode())
            count += 1
            if written >= size:
                break
    return count


def _lines() -> Iterator[str]:
    """Yield records without end: of the sessions that run, one or the other goes on."""
    random = Random(SEED)  # noqa: S311 - the same trace each time is the point
    clock = _Clock(random)
    numbers = iter(range(1 << 40))
    running = [_session(f"station-{next(numbers)}", random, clock) for _ in range(AT_ONCE)]
    while True:
        place = random.randrange(AT_ONCE)
        burst = random.randrange(1, 12)
        for _ in range(burst):
            line = next(running[place], None)
            if line is None:
                running[place] = _session(f"station-{next(numbers)}", random, clock)
                break
            yield line


class _Clock:
    """Gives the heads of records: ids, and times that go on."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._now = BEGAN

    def head(self) -> str:
        """Return the first members of a record."""
        self._now += int(self._random.expovariate(1 / 4e6)) + 1
        seconds, nanos = divmod(self._now, 1_000_000_000)
        days, second = divmod(seconds - BEGAN // 1_000_000_000 + 54_000, 86_400)
        stamp = (
            f"2026-11-{21 + days % 9:02}T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}.{nanos:09}+00:00"
        )
        return f'{{"schema_version":2,"id":"{self.uuid()}","timestamp":"{stamp}","context":{{'

    def uuid(self) -> str:
        """Return an id."""
        digits = f"{self._random.getrandbits(128):032x}"
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


class _Turn(NamedTuple):
    """What the records of a turn share."""

    session: str
    turn_id: str
    number: int
    random: Random
    clock: _Clock

    def line(self, kind: str, members: str = "", *, context: str = "") -> str:
        """Return one record of the turn."""
        ids = f'"session_id":"{self.session}","turn_id":"{self.turn_id}","turn_index":{self.number}'
        return f'{self.clock.head()}{ids}{context}}},"type":"{kind}"{members}}}\n'

    def said(self, most: int) -> str:
        """Return some text."""
        return " ".join(self.random.choices(WORDS, k=self.random.randint(1, most)))


def _session(name: str, random: Random, clock: _Clock) -> Iterator[str]:
    for number in range(1, random.randint(2, TURNS + 1)):
        yield from _turn(_Turn(name, clock.uuid(), number, random, clock))


def _turn(turn: _Turn) -> Iterator[str]:
    random = turn.random
    asked = f'{{"role":"user","blocks":[{{"kind":"text","text":"{turn.said(4)}"}}]}}'
    messages = ['{"role":"system","blocks":[{"kind":"text","text":"You keep the log of a weather station."}]}', asked]
    yield turn.line("turn_started", ',"metadata":{"input_item_count":1}')
    hashed = f"{random.getrandbits(256):064x}"
    component = f'{{"id":"system_prompt","kind":"rendered_prompt","hash":"{hashed}","chars":38}}'
    prompt = f',"prompt_hash":"{hashed}","prompt_chars":38,"components":[{component}]'
    yield turn.line("prompt_built", prompt, context=',"protocol_iteration":0')
    rounds = random.randint(1, 5)
    for iteration in range(rounds):
        failed = random.random() < 0.01
        yield from _model_call(turn, iteration, messages, failed=failed)
        if failed:
            yield turn.line("turn_completed", ',"status":"failed","done_reason":"runtime_error"')
            return
        if iteration < rounds - 1:
            yield from _tool_call(turn, iteration, messages)
        yield _step(turn, iteration)
    if random.random() < 0.99:  # the others were dropped
        yield turn.line("turn_completed", ',"status":"completed","done_reason":"assistant_message"')


def _model_call(turn: _Turn, iteration: int, messages: list[str], *, failed: bool) -> Iterator[str]:
    effect, random = 2 + 4 * iteration, turn.random
    call_id = f"{turn.session}:{turn.number}:{iteration}:{iteration}"
    replay = f"{turn.session}:{turn.turn_id}:{turn.number}:{iteration}:llm_call:{effect}"
    context = (
        f',"protocol_iteration":{iteration},"effect_id":"{effect}","llm_call_id":"{call_id}"'
        f',"metadata":{{"replay_key":"{replay}"}}'
    )
    model = random.choice(MODELS)
    request = f'{{"model":"{model}","messages":[{",".join(messages)}],"tools":[{TOOL_SPECS}],"tool_choice":"auto","stream":false}}'
    yield turn.line("llm_call_started", f',"request":{request}', context=context)
    if failed:
        error = (
            '{"message":"the provider is overloaded","retryable":true,"terminal_reason":"provider_error","code":"529"}'
        )
        yield turn.line("llm_call_failed", f',"error":{error}', context=context)
        return
    text = turn.said(8)
    for number in range(random.randint(2, 6) if random.random() < 0.1 else 0):
        event = (
            f'{{"event_name":"text_delta","sequence":{number},"text_delta":{{"chars":24}},"raw_text":"{turn.said(1)}"}}'
        )
        yield turn.line("runtime_stream_event", f',"event":{event}', context=context)
    took, reason = random.randint(200, 9000), random.choice(("stop", "tool_use"))
    parts = f'[{{"text":"{text}","type":"text"}}]'
    response = f'{{"text":"{text}","duration_ms":{took},"terminal_reason":"{reason}","parts":{parts}}}'
    read = sum(map(len, messages)) // 4
    usage = f'{{"input_tokens":{read},"output_tokens":{len(text) // 4},"cached_input_tokens":{read // 2},"reasoning_tokens":0}}'
    yield turn.line(
        "llm_call_completed",
        f',"response":{response},"usage":{usage},"stream_summary":{NO_STREAM}',
        context=context,
    )
    messages.append(f'{{"role":"assistant","blocks":[{{"kind":"text","text":"{text}"}}]}}')


def _tool_call(turn: _Turn, iteration: int, messages: list[str]) -> Iterator[str]:
    random = turn.random
    call_id, name = f"call_{random.getrandbits(64):016x}", random.choice(TOOLS)
    call = f',"call_id":"{call_id}","name":"{name}","args":{{"path":"notes/{random.randrange(99)}.md","limit":20}}'
    context = f',"protocol_iteration":{iteration}'
    yield turn.line("tool_call_started", call, context=context)
    status = random.choices(("success", "failure", "cancelled"), (95, 4, 1))[0]
    found = turn.said(12)
    outcome = f'{{"status":"{status}","payload":{{"text":"{found}"}}}}'
    yield turn.line(
        "tool_call_completed",
        f'{call},"output":{{"outcome":{outcome}}},"duration_ms":{random.randrange(3000)}',
        context=context,
    )
    block = f'{{"kind":"tool_result","call_id":"{call_id}","tool_name":"{name}","content":"{found}"}}'
    messages.append(f'{{"role":"user","blocks":[{block}]}}')


def _step(turn: _Turn, iteration: int) -> str:
    payload = f'{{"iteration":{iteration},"text":"{turn.said(2)}","tool_calls":[],"images":[]}}'
    step = f',"plugin_id":"standard","plugin_revision":1,"payload":{payload}'
    return turn.line("protocol_step", step, context=f',"protocol_iteration":{iteration}')

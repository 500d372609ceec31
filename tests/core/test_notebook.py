"""The preset for notebooks: who answers is found, and said; nothing else has to be given."""

from pathlib import Path

import pytest

from lash_nb.core import LashCore
from lash_nb.errors import CallerError
from lash_nb.plugins import tool
from lash_nb.providers import OPENROUTER_URL, ProviderHandle, ReplayProvider, ScriptedProvider
from lash_nb.trace import MemoryTraceSink, read_trace
from lash_nb.wire import ModelLimits, ModelSpec

SECRET = "sk-planted-0123456789"  # noqa: S105 - a key of nobody
VARIABLES = ("OPENAI_BASE_URL", "OPENAI_API_KEY", "ANTHROPIC_API_KEY", "OPENROUTER_API_KEY")


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)


async def test_without_a_key_the_offline_demo_answers_and_the_cell_says_so() -> None:
    """Nothing is set: tools are called by likeness, in memory, with a trace, and one line says that no model is behind it."""

    @tool
    def weather(city: str) -> str:
        """Tell the weather in a city."""
        return f"clear in {city}"

    core = LashCore.notebook().tools(weather).build()
    session = await core.session("demo").open()
    result = await session.turn("What is the weather in Oslo?")

    assert "clear in Oslo" in result.reply
    assert core.provider_choice.startswith(
        "offline answers with offline-model: none of OPENAI_BASE_URL, OPENAI_API_KEY,"
    )
    assert "there is no model behind it" in core.provider_choice
    assert session.trace is not None
    assert core.effect_host().durability_tier == "inline"


@pytest.mark.parametrize(
    ("variable", "kind", "model"),
    [
        ("OPENAI_API_KEY", "openai", "gpt-5-mini"),
        ("ANTHROPIC_API_KEY", "anthropic", "claude-sonnet-4-6"),
        ("OPENROUTER_API_KEY", "openai-compatible", "openai/gpt-5-mini"),
    ],
)
def test_a_key_of_the_environment_chooses_who_answers(
    variable: str, kind: str, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has a usual model; the line names the variable and not its value, and no repr does."""
    monkeypatch.setenv(variable, SECRET)
    core = LashCore.notebook().build()
    assert core.parts.provider is not None

    assert core.parts.provider.kind == kind
    assert core.parts.policy.model.id == model
    assert core.provider_choice.startswith(f"{kind} answers with {model}: {variable} is set, so this is asked: ")
    assert SECRET not in f"{core!r} {core.parts!r} {core.provider_choice}"


def test_openrouter_is_asked_at_its_own_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """It speaks the compatible protocol; the key goes nowhere else."""
    monkeypatch.setenv("OPENROUTER_API_KEY", SECRET)
    assert f"({OPENROUTER_URL}, with key)" in LashCore.notebook().build().provider_choice


def test_an_address_of_ones_own_comes_before_any_key_and_wants_a_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has a server has set the address on purpose; its models are known to nobody else. A blank variable is not set."""
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:8000/v1")
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    with pytest.raises(CallerError, match="nobody knows which models it has; name one") as error:
        LashCore.notebook()
    assert error.value.code == "model"
    with pytest.raises(CallerError, match="how much the model 'mine' can take is not known here") as error:
        LashCore.notebook(model="mine")
    assert error.value.code == "unknown_model"
    mine = ModelSpec(id="mine", limits=ModelLimits(context_window_tokens=32_768))
    assert "openai-compatible answers with mine" in LashCore.notebook(model=mine).build().provider_choice

    monkeypatch.setenv("OPENAI_BASE_URL", " ")
    assert LashCore.notebook().build().provider_choice.startswith("openai answers")


async def test_what_is_given_is_used(tmp_path: Path) -> None:
    """A provider or its handle, a model with limits, a folder, a file for the trace beside the one in memory."""
    spec = ModelSpec(id="m", limits=ModelLimits(context_window_tokens=7_000))
    made = LashCore.notebook(ScriptedProvider(["hi"]), spec, tmp_path / "kept", tmp_path / "t.jsonl")
    core = made.build()
    session = await core.session("demo").open()
    await session.turn("hello")
    await session.close()

    assert core.provider_choice == "scripted answers with m: you gave it"
    assert core.parts.policy.model is spec
    assert [path.parent.name for path in (tmp_path / "kept").rglob("demo*.db")] == ["sessions"]
    assert len(read_trace(tmp_path / "t.jsonl")) > 0
    assert session.trace is not None


async def test_a_recording_asks_its_own_model() -> None:
    """A session that answers from a trace asks what was asked then."""
    first = await LashCore.notebook(ScriptedProvider(["hi"]), model="mine").build().session("a").open()
    await first.turn("hello")
    assert first.trace is not None
    core = LashCore.notebook(ReplayProvider(first.trace)).build()
    assert core.parts.policy.model.id == "mine"
    again = await core.session("b").open()
    assert (await again.turn("hello")).reply == "hi"


def test_a_provider_may_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the words of the table; a handle and a sink of one's own are used as they are."""
    with pytest.raises(CallerError, match="anthropic needs the environment variable ANTHROPIC_API_KEY"):
        LashCore.notebook("anthropic")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-1")
    assert (
        LashCore.notebook("anthropic").build().provider_choice
        == "anthropic answers with claude-sonnet-4-6: you named anthropic"
    )
    with pytest.raises(CallerError, match="no provider is called 'gpt'; give one of openai-compatible, openai,"):
        LashCore.notebook("gpt")
    handle, sink = ProviderHandle(ScriptedProvider([])), MemoryTraceSink()
    core = LashCore.notebook(handle, trace=sink).build()
    assert (core.parts.provider, core.parts.host.trace_sink) == (handle, sink)
    assert core.parts.policy.model.id == "scripted-model"


def test_a_core_without_a_provider_says_so() -> None:
    """And one that was built by hand says that its provider was given."""
    assert LashCore.standard().in_memory().model("m").build().provider_choice.startswith("nobody answers yet;")
    made = LashCore.standard().in_memory().model("m").provider(ScriptedProvider([]))
    assert made.build().provider_choice == "scripted answers with m: it was given"

"""Choose who answers and with which model, and get answers as values."""

import pytest
from pydantic import BaseModel

from lash_nb.frames import models_df
from lash_nb.providers import known_models
from tests.magics.conftest import Shell

KEYS = ("OPENAI_BASE_URL", "OPENAI_API_KEY", "ANTHROPIC_API_KEY", "OPENROUTER_API_KEY")


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in KEYS:
        monkeypatch.delenv(name, raising=False)


def test_a_session_says_who_answers(
    shell: Shell, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment decides where nobody is named, and the cell says so without the key."""
    shell.run("%lash new one")
    assert "offline answers with offline-model: none of OPENAI_BASE_URL" in capsys.readouterr().out

    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-secret")
    shell.run("%lash new two")
    told = capsys.readouterr().out
    assert "anthropic answers with claude-" in told
    assert "secret" not in told


def test_another_provider_answers_from_now_on(shell: Shell, capsys: pytest.CaptureFixture[str]) -> None:
    """In the current session and in those that are opened later, until somebody chooses again."""
    shell.run("first, second = provider_of('one'), provider_of('two', 'three')\n%lash new demo --provider first")
    assert shell.run("%%lash\nHello").reply == "one"

    shell.run("%lash provider second")
    assert "scripted answers with scripted-model" in capsys.readouterr().out
    assert shell.run("%%lash\nHello").reply == "two"
    shell.run("%lash new other")
    assert shell.run("%%lash\nHello").reply == "three"

    table = shell.run("%lash provider").set_index("name")
    assert table.loc["offline", "is_ready"]
    assert table.loc["second", "is_current"]
    assert not table.loc["first", "is_current"]
    assert table.loc["openai", "needs"] == "the variable OPENAI_API_KEY"
    assert not table.loc["openai", "is_ready"]


def test_who_can_answer_is_said_in_words(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which variable holds the key, never the key; where it is asked, with which model, and what picks it."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-planted")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    shell.run("mine = lash_nb.AnthropicProvider(base_url='http://127.0.0.1:8/')\n%lash new demo")
    table = shell.run("%lash provider")
    rows = table.set_index("name")

    assert rows.loc["mine", ["state", "key", "endpoint", "picked_by"]].tolist() == [
        "answers now",
        "it has none",
        "http://127.0.0.1:8",
        "being the only one",
    ]
    assert rows.loc["openai-compatible", ["state", "key", "endpoint", "picked_by"]].tolist() == [
        "ready",
        "set: OPENAI_API_KEY",
        "http://127.0.0.1:9/v1",
        "OPENAI_BASE_URL",
    ]
    assert rows.loc["anthropic", ["state", "key", "model"]].tolist() == [
        "no key",
        "not set: ANTHROPIC_API_KEY",
        "claude-sonnet-4-6",
    ]
    assert rows.loc["ollama", "picked_by"] == "its name alone"
    assert rows.loc[["ollama", "vllm", "offline"], "state"].tolist() == ["not asked", "not asked", "ready"]
    assert rows.loc[["ollama", "vllm", "offline"], "is_ready"].tolist() == [False, False, True]
    for face in shell.faces(table).values():
        assert "planted" not in face
        assert "session demo: anthropic answers with" in face
        assert "True" not in face
        assert "False" not in face
    assert max(map(len, repr(table).splitlines())) <= 100


def test_what_one_must_type_is_told_whole(shell: Shell) -> None:
    """Names of services and of variables, in text too, which has no room for where the keys are."""
    plain = shell.faces(shell.run("%lash provider"))["text/plain"]
    for name in ("openai-compatible", "openrouter", *KEYS):
        assert name in plain
    assert "not set" not in plain
    assert "columns not shown: is_current, is_ready, needs, key" in plain


def test_nobody_knows_what_a_provider_of_ones_own_needs(shell: Shell) -> None:
    """It may have a key and not tell; only a service that needs none is said to need none."""
    shell.run("mine = provider_of('one')\n%lash new demo --provider mine")
    rows = shell.run("%lash provider").set_index("name")
    assert rows.loc["mine", "key"] == ""
    assert rows.loc["ollama", "key"] == "none needed"
    assert not (rows == "None").any(axis=None)


def test_the_variable_that_answers_is_marked(shell: Shell) -> None:
    """Also where nobody named it."""
    shell.run("provider = provider_of('one')\n%lash new demo")
    assert shell.run("%lash provider").set_index("name").loc["provider", "state"] == "answers now"


def test_settings_that_cannot_be_used_are_told(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """In its row, and the table is shown."""
    monkeypatch.setenv("OPENAI_BASE_URL", "no address")
    row = shell.run("%lash provider").set_index("name").loc["openai-compatible"]

    assert row["state"].startswith("OPENAI_BASE_URL ")
    assert not row["is_ready"]


def test_a_provider_that_was_chosen_outlives_parking(shell: Shell) -> None:
    """A parked session goes on with the provider that it had."""
    shell.run("first, second = provider_of('one'), provider_of('two')\n%lash new demo --provider first --store kept")
    shell.run("%%lash\nHello")
    shell.run("%lash provider second\n%lash park demo\n%lash resume demo")
    assert shell.run("%%lash\nHello").reply == "two"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("%lash provider nobody", "no variable and no service nobody"),
        ("%lash provider anthropic", "ANTHROPIC_API_KEY"),
        ("%lash provider ollama", "since you named ollama, and nobody knows which models it has; name one: --model ID"),
        ("%lash provider ollama --model llama3", "--window 32768"),
        ("%lash new x --window 100", "want a --model ID"),
        ("%lash model m --window none", "invalid int value"),
        ("%lash model m --window 0", "give at least 1"),
    ],
)
def test_what_cannot_answer(shell: Shell, line: str, words: str) -> None:
    """One line says what is missing; the session answers as before."""
    shell.run("provider = provider_of('one')\n%lash new demo")
    assert words in shell.refuse(line)
    assert shell.run("%%lash\nHello").reply == "one"


def test_another_model_is_asked(shell: Shell, capsys: pytest.CaptureFixture[str]) -> None:
    """From the next turn on; its limits are known, or given."""
    shell.run("provider = provider_of('one', 'two')\n%lash new demo")
    shell.run("%lash model gpt-5-mini")
    assert "gpt-5-mini is asked from the next turn on; it takes 272,000 tokens" in capsys.readouterr().out
    shell.run("%%lash\nHello")
    shell.run("%lash model mine --window 4000")
    shell.run("%%lash\nHello")
    asked = shell["provider"].requests
    assert [(one.model, one.model_variant) for one in asked] == [("gpt-5-mini", None), ("mine", None)]
    table = shell.run("%lash model")
    assert list(table["model"]) == list(models_df(known_models())["model"])
    assert "now: mine" in repr(table)


@pytest.mark.parametrize(
    ("line", "provider", "model"),
    [
        ("provider second", "scripted", "scripted-model"),
        ("provider ollama --model mine --window 4000", "openai-compatible", "mine"),
        ("model mine --window 4000", "scripted", "mine"),
        ("model gpt-5-mini --variant low", "scripted", "gpt-5-mini"),
    ],
)
def test_the_explained_python_changes_the_session(
    shell: Shell, line: str, provider: str, model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """As the line does that it stands for."""
    shell.run("first, second = provider_of('one'), provider_of('two')\nsession = %lash new demo --provider first")
    capsys.readouterr()
    shell.run(f"%lash explain {line}")
    shell.run(capsys.readouterr().out)
    policy = shell["session"].policy_snapshot()
    assert (policy.provider_id, policy.model.id) == (provider, model)


class Person(BaseModel):
    """Somebody."""

    name: str
    age: int


def test_an_answer_as_a_value(shell: Shell) -> None:
    """The value of the cell is an instance of the model; the conversation does not know of it."""
    shell.run('provider = provider_of(\'{"name": "Ada", "age": 36}\', \'{"a": 1}\', \'hi\')\n%lash new demo')
    shell.ip.user_ns["Person"] = Person
    assert shell.run("%%lash --schema Person -o ada\nWho wrote the first program?") == Person(name="Ada", age=36)
    assert shell["ada"].name == "Ada"
    assert shell.run("%%lash --schema json\nAnything") == {"a": 1}
    assert shell.run("%%lash\nHello").reply == "hi"
    assert len(shell["provider"].requests[-1].messages) == 2


def test_an_answer_that_is_no_value(shell: Shell) -> None:
    """The model is told once; then one line says what is wrong and what the answer was, and nothing is assigned."""
    shell.run("provider = provider_of('no', 'neither', 'hi')\n%lash new demo")
    shell.ip.user_ns["Person"] = Person
    refused = shell.refuse("%%lash --schema Person -o ada\nWho?")
    assert "the answer is no Person" in refused
    assert refused.endswith("say in the prompt what you want; the answer was 'neither'")
    assert len(shell["provider"].requests) == 2
    assert (
        "there is no Animal; a schema is a pydantic model class of the notebook, or json; to choose from: "
        in shell.refuse("%%lash --schema Animal\nWho?")
    )
    assert "leave one of them out" in shell.refuse("%%lash --schema Person --step\nWho?")
    assert shell.run("%%lash\nHello").reply == "hi"


def test_the_name_of_a_model_gives_no_orders(shell: Shell, capsys: pytest.CaptureFixture[str]) -> None:
    """A directional override or an escape in it is shown as what it is not."""
    shell.run("provider = provider_of('one')\n%lash new demo")
    capsys.readouterr()
    shell.run("%lash model gpt\u202e\x1b[31m --window 1000")

    assert capsys.readouterr().out == "gpt\ufffd\ufffd[31m is asked from the next turn on; it takes 1,000 tokens\n"


def test_a_service_that_is_misspelled_is_named(shell: Shell) -> None:
    """As of verbs and options, what was perhaps meant is said."""
    assert "did you mean openai? Else define it first" in shell.refuse("%lash provider opnai")


def test_what_a_half_done_provider_lacks_is_named(shell: Shell) -> None:
    """Each of the members that every provider has, as one would write it; a class is no provider until it is called."""
    shell.run(
        "class Half:\n    kind = 'half'\n    options = None\n    async def complete(self, request, stream=None): ...\nhalf = Half()"
    )

    assert (
        "half is a Half, no provider yet; it has no supports_variant(model, variant), no options, a ProviderOptions, "
        "no requires_streaming, True or False: lash_nb.providers.LlmProvider"
    ) in shell.refuse("%lash provider half")
    assert "Half is a class; make a provider of it, e.g. provider = Half()" in shell.refuse("%lash provider Half")

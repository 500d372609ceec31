"""The guide to providers: what it shows works."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from lash_nb import AnthropicProvider, OpenAiCompatibleProvider, OpenAiProvider, reply
from lash_nb.core import MODEL_SERVICES
from lash_nb.providers import ProviderOptions
from tests.providers.requests import request, user
from tests.providers.test_replay import recorded

GUIDE = Path(__file__).parents[2].joinpath("docs", "providers.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
ROWS = re.findall(r"\| `%lash provider (\S+?)[ `][^|]*\| `(\w+\([^`…]*\))` \| (\S+) \|", GUIDE)
"""Name, Python and key of each row of the table of providers."""
PROVIDERS: dict[str, Any] = {
    "AnthropicProvider": AnthropicProvider,
    "OpenAiCompatibleProvider": OpenAiCompatibleProvider,
    "OpenAiProvider": OpenAiProvider,
}


def test_every_block_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One after the other, with a key and a recording at hand; nothing is asked of anybody."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-0001")
    monkeypatch.setattr("getpass.getpass", lambda _prompt: "sk-typed-0001")  # nobody sits at the terminal of a test
    records = recorded((request(user("hi")), reply("hello")))
    Path("run.jsonl").write_text("\n".join(map(json.dumps, records)), encoding="utf-8")
    names: dict[str, Any] = {}

    for block in BLOCKS:
        exec(compile(block, "docs/providers.md", "exec"), names)  # noqa: S102 - the guide is the project's own

    assert len(BLOCKS) == 6
    assert "claude-sonnet-4-6" in capsys.readouterr().out
    assert isinstance(names["options"], ProviderOptions)
    assert repr(names["provider"]) == "OpenAiProvider(https://api.openai.com/v1, with key)"
    assert names["core"].provider_choice.startswith("replay answers with gpt-5-mini")


async def test_a_provider_of_ones_own_answers() -> None:
    """The guide's own, in no more lines than one reads at a glance."""
    (block,) = [one for one in BLOCKS if "class " in one]
    names: dict[str, Any] = {}
    exec(compile(block, "docs/providers.md", "exec"), names)  # noqa: S102 - the guide is the project's own
    session = await names["parrot"].session("cage").open()

    assert (await session.turn("Who is there?").run()).reply == "parrot-1 heard: Who is there?"
    assert len(block.splitlines()) <= 20


def test_the_table_says_what_the_names_mean() -> None:
    """The same provider, asked with the key of the same variable."""
    assert [name for name, _, _ in ROWS] == ["openai", "anthropic", "openrouter", "ollama", "vllm"]
    for name, python, key in ROWS:
        service = MODEL_SERVICES[name]
        assert repr(eval(python, PROVIDERS)) == repr(service.make())  # noqa: S307 - the guide is the project's own
        assert key.strip("`") == (service.variable or "none")

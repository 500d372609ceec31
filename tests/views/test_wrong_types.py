"""What is no trace, no graph, no column, no filter, no script: said in one line that names what belongs there."""

from collections.abc import Callable
from typing import Any

import pytest

from lash_nb import frames, plots, providers, views
from lash_nb.errors import CallerError
from tests.views import samples

TABLES: Any = frames
PLOTS: Any = plots
VIEWS: Any = views
PROVIDERS: Any = providers
EXPLORER: Any = views.TraceExplorerView
"""As seen by somebody whose editor checks no types."""
PATH = "a trace belongs here, not the path 'x.jsonl'; read it first: lash_nb.read_trace('x.jsonl')"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda trace: EXPLORER(trace).filter(text=5), "text is a text, not int: filter(text='5')"),
        (lambda trace: EXPLORER(trace).filter(kinds=5), "kinds is a list of chips, not int"),
        (lambda trace: EXPLORER(trace).filter(kinds="llm call"), "filter(kinds=['llm call', 'tool call'])"),
        (
            lambda trace: EXPLORER(trace).show_bad_line("x"),
            "show_bad_line takes the number of a bad line, from 0, not str",
        ),
        (
            lambda trace: TABLES.llm_calls_df(trace, columns=("model",)),
            "columns is a sequence of Column, and 'model' is none",
        ),
        (
            lambda trace: TABLES.llm_calls_df(trace, columns="model"),
            "columns is a sequence of Column, and 'model' is none",
        ),
        (lambda _: TABLES.llm_calls_df("x.jsonl"), "lash_nb.read_trace('x.jsonl')"),
        (lambda _: PLOTS.tokens("x.jsonl"), PATH),
        (lambda _: PLOTS.timeline("x.jsonl"), PATH),
        (lambda _: PLOTS.latency(5), "a trace belongs here, not int"),
        (
            lambda _: PLOTS.latency(None),
            "not None: session.trace and core.trace are None on a core that keeps no records",
        ),
        (lambda _: TABLES.turns_df(None), ".trace_sink(lash_nb.MemoryTraceSink())"),
        (lambda _: VIEWS.TraceTimelineView(None), "with .trace_jsonl_path(path) and give lash_nb.read_trace(path)"),
        (lambda _: VIEWS.TraceTimelineView("x.jsonl"), PATH),
        (lambda _: EXPLORER("x.jsonl"), PATH),
        (lambda _: VIEWS.SessionGraphView("x.jsonl"), "a session graph belongs here, not str"),
        (lambda _: VIEWS.StepperView(5), "a turn to step through belongs here, not int: StepperView(session.stepper)"),
        (lambda _: VIEWS.AttachmentsView(5), "a listing of attachments belongs here, not int"),
        (lambda _: TABLES.turns_df(5), "a trace belongs here, not int: lash_nb.read_trace(…), or session.trace"),
        (lambda _: TABLES.cost_df(5, {}), "a trace belongs here, not int"),
        (lambda _: TABLES.nodes_df(5), "a session graph belongs here, not int"),
        (lambda _: TABLES.tools_df(5), "a listing belongs here, not int: session.control.tools.listing()"),
        (lambda _: TABLES.effects_df(5), "a listing belongs here, not int: session.effects"),
        (lambda _: TABLES.attachments_df(5), "a listing belongs here, not int: session.attachments"),
        (lambda _: TABLES.models_df(5), "a listing belongs here, not int: lash_nb.known_models()"),
        (lambda _: TABLES.queue_df(5), "a listing belongs here, not int: await session.queued_work()"),
        (lambda _: TABLES.sessions_df(5), "a listing belongs here, not int: lash_nb.open_store(…)"),
        (lambda _: TABLES.ledger_df(5), "a listing belongs here, not int: lash_nb.open_store(…)[…].usage"),
        (lambda _: TABLES.session_usage_df(5), "a usage report belongs here, not int"),
        (lambda _: VIEWS.summary_text(5), "a trace belongs here, not int"),
        (lambda _: VIEWS.trace_report("x.jsonl"), PATH),
        (lambda _: VIEWS.write_trace_report("x.html", 5), "a trace belongs here, not int"),
        (
            lambda _: PROVIDERS.ScriptedProvider(5),
            "a list of replies or a function of the request belongs here, not int",
        ),
        (lambda _: PROVIDERS.calls(PROVIDERS.call("add")), "calls() takes (id, tool, args) for each call"),
    ],
)
def test_a_wrong_type_is_named(wrong: Callable[[Any], Any], said: str) -> None:
    """With what to write instead."""
    with pytest.raises(CallerError) as refused:
        wrong(samples.station_trace())

    assert said in refused.value.message
    assert len(refused.value.message.splitlines()) == 1

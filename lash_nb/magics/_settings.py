"""`%config Lash`: what holds for every session that is opened from now on."""

from traitlets import Enum, Unicode
from traitlets.config import Configurable

__all__ = ["Lash"]


class Lash(Configurable):
    """Settings of the magics, shown and set by `%config Lash`; the name of the class is what is typed."""

    store = Unicode(
        "", help="Folder in which %lash new keeps sessions, and in which %lash open finds them; empty: in memory."
    ).tag(config=True)
    provider = Unicode(
        "",
        help="Who answers in sessions that are opened from now on: a variable, or openai, anthropic, ollama …; empty: see %lash provider.",
    ).tag(config=True)
    model = Unicode(
        "",
        help="Id of the model that is asked in sessions that are opened from now on; empty: the provider's usual one.",
    ).tag(config=True)
    residency = Enum(
        ("keep_all", "active_path_only"),
        default_value="keep_all",
        help="Which nodes of a stored session are in memory: all, or those on the way to where it stands.",
    ).tag(config=True)

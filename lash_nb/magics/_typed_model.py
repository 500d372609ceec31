"""Which model a line names, and the Python that names it."""

from argparse import Namespace
from dataclasses import dataclass
from typing import Self

from lash_nb.core import model_for
from lash_nb.errors import CallerError
from lash_nb.providers import ProviderHandle, model_spec
from lash_nb.wire import ModelSpec

__all__ = ["TypedModel"]


@dataclass(frozen=True, slots=True)
class TypedModel:
    """What a line says of the model."""

    id: str | None = None
    """Its id."""
    window: int | None = None
    """Most tokens of a prompt, for a model that nobody knows."""
    variant: str | None = None
    """Its reasoning effort."""

    @classmethod
    def of(cls, asked: Namespace) -> Self:
        """Return what was typed as `--model`, `--window` and `--variant`."""
        return cls(asked.model, asked.window, asked.variant)

    @property
    def has_limits(self) -> bool:
        """Whether more than an id was typed."""
        return self.window is not None or self.variant is not None

    def whole(self) -> Self:
        """Return it.

        Raises:
            CallerError: there are limits without an id.
        """
        if self.id is None and self.has_limits:
            raise CallerError("which model? --window and --variant want a --model ID, too", code="magics_model")
        return self

    @property
    def given(self) -> ModelSpec | str | None:
        """The model as `LashCore.notebook` takes it; None when nothing was typed.

        Raises:
            CallerError: as `whole`, or limits that no model has.
        """
        named = self.whole().id
        if named is None or not self.has_limits:
            return named
        return model_spec(named, window=self.window, variant=self.variant)

    def known_to(self, provider: ProviderHandle | None, default: ModelSpec | str) -> ModelSpec:
        """Return the model, the default when nothing was typed, with limits of which a real provider wants to be sure.

        Raises:
            CallerError: as `given`, or `unknown_model`.
        """
        return model_for(provider, self.given or default)

    @property
    def python(self) -> str | None:
        """The Python expression for it."""
        if self.id is None or not self.has_limits:
            return self.id and repr(self.id)
        limits = {"window": self.window, "variant": self.variant}
        more = "".join(f", {name}={value!r}" for name, value in limits.items() if value is not None)
        return f"lash_nb.model_spec({self.id!r}{more})"

"""Time points with a resolution of nanoseconds (lash 0.1.0-alpha.37, effect wire format §1.8)."""

from typing import Final

import msgspec

from lash_nb.wire._base import U32, U64, Wire

__all__ = ["SystemTime"]

_NANOS: Final = 10**9
_LAST_SECOND: Final = 2**63 - 1


class SystemTime(Wire, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A time point since the Unix epoch; nanoseconds beyond a second count as seconds."""

    secs_since_epoch: U64
    """Whole seconds, at most 2^63 - 1."""
    nanos_since_epoch: U32
    """The rest in nanoseconds."""

    def __post_init__(self) -> None:
        carried, nanos = divmod(self.nanos_since_epoch, _NANOS)
        seconds = self.secs_since_epoch + carried
        if seconds > _LAST_SECOND:
            message = f"{seconds} seconds after the epoch are too many, {_LAST_SECOND} is the last"
            raise ValueError(message)  # msgspec adds the path and turns it into a decoding error
        msgspec.structs.force_setattr(self, "secs_since_epoch", seconds)
        msgspec.structs.force_setattr(self, "nanos_since_epoch", nanos)

    @classmethod
    def from_epoch_ms(cls, epoch_ms: int) -> "SystemTime":
        """Return the time point of a count of milliseconds."""
        seconds, rest = divmod(epoch_ms, 1000)
        return cls(secs_since_epoch=seconds, nanos_since_epoch=rest * 1_000_000)

    @property
    def epoch_ms(self) -> int:
        """Whole milliseconds, as the 64 bits that the reference keeps of them."""
        return (self.secs_since_epoch * 1000 + self.nanos_since_epoch // 1_000_000) % 2**64

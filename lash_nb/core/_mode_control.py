"""What the protocol of a session may be given while it is open (lash 0.1.0-alpha.37, facade §7)."""

from lash_nb.runtime import LashRuntime

__all__ = ["ModeControl"]


class ModeControl:
    """The protocol of one session."""

    def __init__(self, runtime: LashRuntime) -> None:
        self._runtime = runtime

    async def apply_session_extension(self, extension: object) -> None:
        """Give the protocol something of this process for the rest of the session, after the turn that runs; it is not stored.

        Raises:
            SessionError: `Protocol`, the protocol takes none; the standard one does not.
            CallerError: `session_closed`.
        """
        await self._runtime.apply_protocol_session_extension(extension)

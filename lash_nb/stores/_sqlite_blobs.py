"""Blobs of a session database: content in MessagePack envelopes, found by its hash (lash 0.1.0-alpha.37, sessions §11.4).

Bytes within MessagePack are written as arrays of integers, as the reference writes them; both forms are read.
"""

import hashlib
import logging
import sqlite3
import zlib
from typing import Any, Final, Literal, TypeAlias, TypeVar

import msgspec

from lash_nb.errors import WireError
from lash_nb.wire import (
    BlobRef,
    HydratedSessionCheckpoint,
    Octets,
    PluginSessionSnapshot,
    SessionCheckpoint,
    ToolState,
    from_builtins,
    to_json,
)

__all__ = [
    "BlobKind",
    "BlobProfile",
    "get_blob",
    "load_checkpoint",
    "pack",
    "put_blob",
    "read_manifest",
    "store_checkpoint",
]

_LOGGER = logging.getLogger(__name__)

T = TypeVar("T")

BlobProfile: TypeAlias = Literal["low_latency", "balanced", "compact"]
"""From which size on blobs are compressed: never, 4 kB, 1 kB."""
BlobKind: TypeAlias = Literal[
    "CheckpointManifest", "ToolState", "PluginSessionSnapshot", "ExecutionStateSnapshot", "LashlangModule"
]
"""What a blob holds, by the reference's own names."""

_COMPRESSED_FROM: Final[dict[BlobProfile, float]] = {"low_latency": float("inf"), "balanced": 4096, "compact": 1024}
_LARGE: Final = ("Compressible", "LargePayload")
_HINTS: Final[dict[BlobKind, tuple[str, ...]]] = {
    "CheckpointManifest": ("Compressible",),
    "ToolState": _LARGE,
    "PluginSessionSnapshot": _LARGE,
    "ExecutionStateSnapshot": _LARGE,
    "LashlangModule": _LARGE,
}
_PARTS: Final[dict[str, tuple[BlobKind, Any]]] = {
    "tool_state": ("ToolState", ToolState),
    "plugin_snapshot": ("PluginSessionSnapshot", PluginSessionSnapshot),
    "execution_state": ("ExecutionStateSnapshot", Octets),
}
"""The blobs beside a manifest, by the checkpoint's field."""


_LARGEST_INFLATED: Final = 1 << 27
"""How large compressed content may become, in bytes; a few kilobytes that were made for it would fill any memory."""


class _Descriptor(msgspec.Struct, omit_defaults=True):
    kind: str
    hints: tuple[str, ...] = ()


class _Envelope(msgspec.Struct):
    descriptor: _Descriptor
    compression: Literal["None", "Zlib"]
    content: list[int] | bytes


_BYTES_MARKS: Final = (b"\xc4", b"\xc5", b"\xc6")
"""With one of these do bytes begin in MessagePack."""
_ENVELOPE: Final = msgspec.msgpack.Decoder(_Envelope)


def pack(value: Any) -> bytes:
    """Return a wire value as MessagePack: fields in their order, keys of free values sorted, bytes as arrays."""
    plain = (
        list(value) if isinstance(value, Octets) else msgspec.json.decode(to_json(value))
    )  # in its one form: nothing to check
    return msgspec.msgpack.encode(plain)


def put_blob(connection: sqlite3.Connection, kind: BlobKind, content: bytes, profile: BlobProfile) -> BlobRef:
    """Store content in its envelope unless it is there, and return its hash; what is there and is damaged is written anew."""
    ref = hashlib.sha256(content).hexdigest()
    row = (ref, _sealed(kind, content, profile))
    is_new = connection.execute("INSERT INTO blobs (hash, content) VALUES (?, ?) ON CONFLICT DO NOTHING", row).rowcount
    if not is_new and not _holds(connection, ref, content):
        connection.execute("UPDATE blobs SET content = ?2 WHERE hash = ?1", row)
    return ref


def _holds(connection: sqlite3.Connection, ref: BlobRef, content: bytes) -> bool:
    try:
        return get_blob(connection, ref) == content
    except sqlite3.DataError:  # it inflates without end
        return False


def get_blob(connection: sqlite3.Connection, ref: BlobRef) -> bytes | None:
    """Return stored content; None when there is none. What is in no envelope is content itself.

    Raises:
        sqlite3.DataError: it is compressed, and larger than any content may be.
    """
    row = connection.execute("SELECT content FROM blobs WHERE hash = ?", (ref,)).fetchone()
    if row is None:
        return None
    stored = row[0] if isinstance(row[0], bytes) else str(row[0]).encode()
    try:
        envelope = _ENVELOPE.decode(stored)
        content = bytes(envelope.content)
        return _inflated(content) if envelope.compression == "Zlib" else content
    except (msgspec.DecodeError, ValueError, zlib.error):
        return stored


def _inflated(content: bytes) -> bytes:
    inflater = zlib.decompressobj()
    inflated = inflater.decompress(content, _LARGEST_INFLATED)
    if inflater.unconsumed_tail and inflater.decompress(inflater.unconsumed_tail, 1):
        raise sqlite3.DataError(f"a blob of {len(content):,} bytes inflates to more than {_LARGEST_INFLATED:,}")
    if not inflater.eof:
        raise zlib.error("the content is cut off")
    return inflated


def store_checkpoint(
    connection: sqlite3.Connection, checkpoint: HydratedSessionCheckpoint, profile: BlobProfile
) -> tuple[BlobRef, SessionCheckpoint]:
    """Store the snapshots that are there and the manifest; a snapshot that is not there keeps its reference."""
    refs = {}
    for name, (kind, _) in _PARTS.items():
        snapshot = getattr(checkpoint, name)
        refs[f"{name}_ref"] = (
            getattr(checkpoint, f"{name}_ref")
            if snapshot is None
            else put_blob(connection, kind, pack(snapshot), profile)
        )
    manifest = SessionCheckpoint(
        turn_state=checkpoint.turn_state, plugin_snapshot_revision=checkpoint.plugin_snapshot_revision, **refs
    )
    return put_blob(connection, "CheckpointManifest", pack(manifest), profile), manifest


def load_checkpoint(connection: sqlite3.Connection, ref: BlobRef | None) -> HydratedSessionCheckpoint | None:
    """Return a checkpoint; None when its manifest is not there or cannot be read. A snapshot that is not there or cannot be read is None."""
    manifest = read_manifest(connection, ref) if ref is not None else None
    if manifest is None:
        if ref is not None:
            _LOGGER.warning("checkpoint %s cannot be read: counters and the state of tools and plugins begin anew", ref)
        return None
    snapshots = {
        name: _unpacked(get_blob(connection, part), kind)
        for name, (_, kind) in _PARTS.items()
        if (part := getattr(manifest, f"{name}_ref")) is not None
    }
    if lost := [name for name, snapshot in snapshots.items() if snapshot is None]:
        _LOGGER.warning("checkpoint %s has lost its %s, which begins anew", ref, " and ".join(lost))
    fields = {name: getattr(manifest, name) for name in SessionCheckpoint.__struct_fields__}
    return HydratedSessionCheckpoint(**fields, **snapshots)


def read_manifest(connection: sqlite3.Connection, ref: BlobRef) -> SessionCheckpoint | None:
    """Return the manifest of a checkpoint; None when it is not there or cannot be read."""
    manifest: SessionCheckpoint | None = _unpacked(get_blob(connection, ref), SessionCheckpoint)
    return manifest


def _sealed(kind: BlobKind, content: bytes, profile: BlobProfile) -> bytes:
    compressed = len(content) >= _COMPRESSED_FROM[profile]
    return msgspec.msgpack.encode(
        _Envelope(
            descriptor=_Descriptor(kind=kind, hints=_HINTS[kind]),
            compression="Zlib" if compressed else "None",
            content=list(zlib.compress(content) if compressed else content),
        )
    )


def _unpacked(content: bytes | None, kind: Any) -> Any:
    if content is None:
        return None
    try:
        value = msgspec.msgpack.decode(content)
        may_hold_bytes = any(mark in content for mark in _BYTES_MARKS)
        return from_builtins(_arrays(value) if may_hold_bytes else value, kind)
    except (msgspec.DecodeError, WireError, RecursionError):
        return None


def _arrays(value: Any) -> Any:
    """Return a value with bytes as the arrays that wire types are read from."""
    if isinstance(value, bytes):
        return list(value)
    if isinstance(value, dict):
        return {key: _arrays(item) for key, item in value.items()}
    return list(map(_arrays, value)) if isinstance(value, list) else value

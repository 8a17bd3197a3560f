"""The envelope: reading a request's body, and writing answers.

Nothing else knows the shapes (Crossbar API, request envelope, success and error envelope). An answer that
is made before Accept was looked at carries no Content-Type in KAZOO 5.0.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from . import bucket
from .call import BODIES, Call, Reply
from .refusal import NOTHING, Refusal, validation

NODE = "crossbar@sandbox.example"
LARGEST_BODY = 8_000_000
_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_PRETTY = json.JSONEncoder(ensure_ascii=False, indent=2).encode
_GZIP = (1, zlib.DEFLATED, 16 + 12, 5)
"""Fast, in a small window: an answer is small, and clearing zlib's usual tables costs more than all else."""


@dataclass(frozen=True)
class Answer:
    """What goes over the wire."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def read_body(call: Call, body: bytes | None) -> None:
    """Fill in the envelope and the data, or what is wrong with them. None is a body that is too large."""
    if body is None or len(body) > LARGEST_BODY:
        text = f"Payload or Files must not be more than {LARGEST_BODY} bytes"
        call.broken = _broken("file", "maxSize", {"message": text, "target": LARGEST_BODY})
        return
    if not body or (call.method in BODIES and not call.readable()):
        return  # a body of an unknown type is not looked at: it counts as an empty one
    try:
        envelope = _parsed(body)
    except (ValueError, RecursionError):
        call.broken = _broken("json", "invalid", {"message": "decoder_exit around 0", "target": "body"})
        return
    if not isinstance(envelope, dict):
        call.broken = _broken("json", "invalid", {"message": "All JSON must be valid", "target": "body"})
        return
    call.envelope = {
        key.lower().replace("-", "_"): value for key, value in envelope.items() if value is not None
    }
    data = call.envelope.pop("data", NOTHING)
    if data is NOTHING:
        text = "Field is required but missing"
        call.broken = _broken("data", "required", {"message": text, "value": call.envelope})
    elif not isinstance(data, (dict, list)):
        text = "Value did not match type(s): object, array"
        call.broken = _broken("data", "type", {"message": text, "target": "object, array", "value": data})
    else:
        call.data = data


def _parsed(body: bytes) -> Any:
    def refuse(constant: str) -> None:
        raise ValueError(constant)

    value = json.loads(body.decode(), parse_constant=refuse)
    if b"\\u" in body:
        json.dumps(value, ensure_ascii=False).encode()  # half a surrogate pair is no text
    return value


def _broken(path: str, kind: str, detail: dict[str, Any]) -> Refusal:
    return validation({path: {kind: detail}}, anonymous=True)


def success(call: Call, reply: Reply) -> Answer:
    """The envelope of a good answer."""
    headers: dict[str, str] = {}
    told: dict[str, Any] = {}
    if call.world.release.tells_version_to_all:
        told["version"] = call.world.release.version
    created = call.method == "PUT" or (call.method == "POST" and reply.location is not None)
    status = reply.status or (201 if created else 200)
    if reply.location and created:
        headers["Location"] = reply.location
    if reply.revision and call.method == "GET":
        headers["ETag"] = f'"{reply.revision}"'
    envelope = {**told, **_common(call, reply.token), "status": "success", **reply.members}
    if reply.chunked:
        envelope.pop("tokens", None)
    if reply.data is not NOTHING:
        envelope["data"] = reply.data
    if reply.revision:
        envelope["revision"] = reply.revision
    return _answer(call, status, headers, envelope)


def refusal(call: Call, error: Refusal) -> Answer:
    """The envelope of a refusal, or the bare status where the web server refuses."""
    headers = dict(error.headers)
    if error.empty:
        return Answer(error.status, {**headers, "x-request-id": call.request_id}, b"")
    envelope = {**_common(call, None, anonymous=error.anonymous), "status": "error", **error.members}
    if call.world.release.names_missing_token:
        envelope = {"auth_token": "undefined", **envelope}
    if call.world.release.tells_version_to_all:
        envelope = {"version": call.world.release.version, **envelope}
    envelope |= {"error": str(error.status), "message": error.message}
    if error.data is not NOTHING:
        nulls = error.prints_nulls or call.world.release.prints_null_values
        envelope["data"] = error.data if nulls else _quiet(error.data)
    return _answer(call, error.status, headers, envelope)


def _quiet(errors: Any) -> Any:
    """Without the member `value` where it is null."""
    if not isinstance(errors, dict):
        return errors
    return {key: _quiet(value) for key, value in errors.items() if not (key == "value" and value is None)}


def _common(call: Call, new_token: str | None, *, anonymous: bool = False) -> dict[str, Any]:
    envelope: dict[str, Any] = {
        "timestamp": call.world.clock.timestamp(),
        "node": NODE,
        "request_id": call.request_id,
    }
    if call.world.release.counts_tokens:
        buckets = call.world.buckets
        remaining = buckets.remaining(call.bucket) if buckets else bucket.SIZE
        envelope["tokens"] = {"consumed": bucket.COST, "remaining": remaining}
    if token := new_token or (None if anonymous else call.token):
        envelope["auth_token"] = token
    if new_token or (call.known_caller is not None and not anonymous):
        envelope["version"] = call.world.release.version
    return envelope


def _answer(call: Call, status: int, headers: dict[str, str], envelope: dict[str, Any]) -> Answer:
    body = (_PRETTY if call.flag("pretty_print") else _COMPACT)(envelope).encode()
    headers["x-request-id"] = call.request_id
    if call.negotiated or call.world.release.types_early_refusals:
        headers["Content-Type"] = "application/json"
        if "gzip" in call.headers.get("Accept-Encoding", ""):
            headers["Content-Encoding"] = "gzip"
            body = _zipped(body)
    return Answer(status, headers, body)


def _zipped(body: bytes) -> bytes:
    compressor = zlib.compressobj(*_GZIP)
    return compressor.compress(body) + compressor.flush()

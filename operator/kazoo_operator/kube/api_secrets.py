"""Secrets, read from the API server by name when somebody needs them; none is listed or watched."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping

from kazoo_operator.kube.session import ApiServer, ApiServerError, Refused

_NAME = r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?"


class ApiSecrets:
    """`surroundings.Secrets` over the API server."""

    def __init__(self, api: ApiServer) -> None:
        self._api = api

    async def get(self, namespace: str, name: str) -> Mapping[str, bytes] | None:
        """The entries of a Secret; None when there is none, as there is none of an impossible name.

        Raises PermissionError where our role does not let us, another OSError where the API server is away.
        """
        if not (re.fullmatch(_NAME, namespace) and re.fullmatch(_NAME, name)):
            return None
        try:
            body = await self._api.get(f"/api/v1/namespaces/{namespace}/secrets/{name}")
        except Refused as refused:
            if refused.status == 404:
                return None
            if refused.status in (401, 403):
                raise PermissionError("the API server refuses it") from None
            raise OSError(f"the API server answered {refused.status}") from None
        except ApiServerError as error:
            raise OSError(str(error)) from None
        data = body.get("data") or {}
        try:
            return {entry: base64.b64decode(text, validate=True) for entry, text in data.items()}
        except (binascii.Error, TypeError, ValueError):
            raise OSError("the API server answered with no Secret") from None

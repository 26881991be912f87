"""The chat for AWS Lambda, behind a function URL or an HTTP API: python -m awslambdaric lambda_function.handler."""

import base64
from typing import Any

from chat import answer


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """One request as an event (payload format 2.0), and its answer."""
    body = event.get("body") or ""
    content = base64.b64decode(body) if event.get("isBase64Encoded") else body.encode()
    status, headers, answered = answer(event["rawQueryString"], event["headers"], content)
    encoded = base64.b64encode(answered).decode()
    return {"statusCode": status, "headers": headers, "body": encoded, "isBase64Encoded": True}

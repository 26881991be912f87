"""The chat for Google's functions-framework: functions-framework --source google_function.py --target function."""

import flask
from chat import answer


def function(request: flask.Request) -> flask.Response:
    """One request, in Flask's terms."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    status, answered, body = answer(request.query_string.decode(), headers, request.get_data())
    return flask.Response(body, status, answered)

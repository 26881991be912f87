"""Telling news: each line of the body is an event."""

from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST
from django_eventstream import send_event


@require_POST
def tell(request: HttpRequest) -> HttpResponse:
    try:
        for line in request.body.decode().splitlines():
            send_event("news", "message", line, json_encode=False)
    except OperationalError as error:
        return HttpResponse(f"not stored, so not published: {error}\n", status=503)
    return HttpResponse(status=204)

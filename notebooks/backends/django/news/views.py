"""Telling news, each line of the body an event, and signing in."""

from django.contrib.auth import authenticate, login
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST
from django_eventstream import send_event


@require_POST
def tell(request: HttpRequest) -> HttpResponse:
    for number, line in enumerate(request.body.decode().splitlines(), start=1):
        try:
            send_event("news", "message", line, json_encode=False)
        except OperationalError as error:
            text = f"not stored, so not published, from line {number} on: {error}\n"
            return HttpResponse(text, status=503)
    return HttpResponse(status=204)


@require_POST
def sign_in(request: HttpRequest) -> HttpResponse:
    user = authenticate(request, username=request.POST.get("name"), password=request.POST.get("password"))
    if user is None:
        return HttpResponse("nobody has that name and password\n", status=403)
    login(request, user)
    return HttpResponse(status=204)

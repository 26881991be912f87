"""Three addresses: the streams, where news are told, and where people sign in."""

import django_eventstream.urls
from django.urls import include, path
from news.views import sign_in, tell

urlpatterns = [
    path("events/", include(django_eventstream.urls)),
    path("tell/", tell),
    path("sign-in/", sign_in),
]

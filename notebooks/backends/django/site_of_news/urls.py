"""Two addresses: the streams, and where news are told."""

import django_eventstream.urls
from django.urls import include, path
from news.views import tell

urlpatterns = [
    path("events/", include(django_eventstream.urls)),
    path("tell/", tell),
]

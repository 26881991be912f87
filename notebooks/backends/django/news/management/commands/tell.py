"""`manage.py tell TEXT…`: tells news from outside of the web server, as a nightly job would."""

from django.core.management.base import BaseCommand
from django_eventstream import send_event


class Command(BaseCommand):
    help = "Tell news"

    def add_arguments(self, parser):
        parser.add_argument("texts", nargs="+")

    def handle(self, *args, texts, **options):
        for text in texts:
            send_event("news", "message", text, json_encode=False)

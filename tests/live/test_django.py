"""The Django project of lesson 10, on SQLite and on PostgreSQL, behind a real Pushpin."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import requests

from realtime_kit import Backend, serving, sse_events
from realtime_kit.clients.event_stream import Event
from realtime_kit.databases import PostgreSQL
from realtime_kit.lab.site import Site
from realtime_kit.pushpin.ports import free_port

sys.path.append(str(Path(__file__).parents[2] / "notebooks"))

from backends.news import News

pytestmark = pytest.mark.live

FOLDER = Path(__file__).parents[2] / "notebooks/backends/django"


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, str]]:
    if request.param == "SQLite":
        yield {"DATA_FOLDER": str(tmp_path)}
    else:
        with PostgreSQL() as db:
            yield {"DATABASE_URL": db.url}


def news(environ: dict[str, str]) -> Backend:
    return Backend((sys.executable, "serve.py"), folder=FOLDER, name="Django", environ=environ)


def job(environ: dict[str, str], *texts: str) -> None:
    argv = [sys.executable, "manage.py", "tell", *texts]
    subprocess.run(argv, cwd=FOLDER, env={**os.environ, **environ}, check=True, timeout=30)


def tell(site: Site, text: str) -> None:
    assert requests.post(str(site.url / "tell/"), data=text, timeout=10).status_code == 204


def subscribed(site: Site) -> None:
    asyncio.run(site.pushpin.auntil(lambda seen: seen.subscribers("events-news") == 1))


def read_until(stream: Iterator[Event], kind: str, data: str | None = None) -> list[Event]:
    seen = []
    for event in stream:
        seen.append(event)
        if event.type == kind and data in (None, event.data):
            break
    return seen


@pytest.mark.parametrize("storage", ["on", "off"])
def test_what_is_told_while_all_is_down_comes_with_storage_only(storage: str, where: dict[str, str]) -> None:
    environ = {**where, "STORAGE": storage}
    with serving(news(environ), http_port=free_port()) as site:
        address = site.url / "events/" % {"channel": "news"}
        stream = sse_events(address)
        read_until(stream, "stream-open")
        subscribed(site)
        tell(site, "before")
        assert next(stream).data == "before"
        site.stop()
        job(environ, "meanwhile")
        site.start()
        read_until(stream, "stream-open")
        subscribed(site)
        tell(site, "after")
        seen = read_until(stream, "message", "after")
        assert [event.data for event in seen] == (["meanwhile", "after"] if storage == "on" else ["after"])
        stream.close()


def test_a_channel_that_is_not_for_everybody(where: dict[str, str]) -> None:
    running = News(**where).start()
    try:
        channel, enter = running.url / "events/" % {"channel": "staff"}, str(running.url / "sign-in/")
        running.add_staff("ada", "a secret of hers")
        with requests.Session() as ada:
            for password, status in (("a guess", 403), ("a secret of hers", 204)):
                event = next(sse_events(channel, session=ada))
                assert event.type == "stream-error"
                assert "forbidden" in event.data
                answer = ada.post(enter, data={"name": "ada", "password": password}, timeout=10)
                assert answer.status_code == status
            assert next(sse_events(channel, session=ada)).type == "stream-open"
    finally:
        running.stop()


def test_a_database_that_is_down_is_explained_and_the_next_event_comes() -> None:
    with PostgreSQL() as db, serving(news({"DATABASE_URL": db.url})) as site:
        assert requests.post(str(site.url / "tell/"), data="one", timeout=10).status_code == 204
        db.stop_server()
        answer = requests.post(str(site.url / "tell/"), data="two", timeout=10)
        assert answer.status_code == 503
        assert "not stored" in answer.text
        db.start_server()
        assert requests.post(str(site.url / "tell/"), data="two", timeout=10).status_code == 204


def test_of_several_lines_the_answer_says_from_which_on_nothing_was_stored() -> None:
    script = """
        CREATE FUNCTION is_full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            RAISE EXCEPTION 'no space left' USING ERRCODE = 'disk_full';
        END $$;
        CREATE TRIGGER is_full BEFORE INSERT ON django_eventstream_event
        FOR EACH ROW WHEN (NEW.data = '"two"') EXECUTE FUNCTION is_full();
    """
    with PostgreSQL() as db, serving(news({"DATABASE_URL": db.url})) as site:
        stream = sse_events(site.url / "events/" % {"channel": "news"})
        read_until(stream, "stream-open")
        subscribed(site)
        with psycopg.connect(db.url, autocommit=True) as database:
            database.execute(script)
            answer = requests.post(str(site.url / "tell/"), data="one\ntwo\nthree", timeout=10)
            database.execute("DROP TRIGGER is_full ON django_eventstream_event")
        assert answer.status_code == 503
        assert answer.text.startswith("not stored, so not published, from line 2 on: no space left")
        tell(site, "two\nthree")
        assert [next(stream).data for _ in range(3)] == ["one", "two", "three"]
        stream.close()


@pytest.mark.parametrize("storage", ["on", "off"])
def test_pushpin_is_killed_alone_and_the_ledger_says_what_storage_buys(storage: str, tmp_path: Path) -> None:
    news = News(DATA_FOLDER=str(tmp_path), STORAGE=storage).start()
    try:
        before = news.tell_url
        news.tell([1])
        news.settle(last=1)
        news.kill_pushpin()
        news.tell(range(2, 7))
        news.start_pushpin()
        news.tell([7])
        ledger = news.settle(last=7)
        assert news.tell_url == before  # Django has not been restarted
    finally:
        news.stop()
    came = (7, 0, 5) if storage == "on" else (2, 5, 0)
    assert (ledger.received, ledger.lost, ledger.recovered) == came
    assert (ledger.duplicate, ledger.reordered, ledger.unexpected) == (0, 0, 0)

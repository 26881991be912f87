"""Routes as lines of Pushpin's routes file."""

import pytest

from realtime_kit.errors import RouteError, UsageError
from realtime_kit.pushpin.routes import Route, as_routes, render_routes, routes_to


@pytest.mark.parametrize(
    ("route", "line"),
    [
        (Route("127.0.0.1:8000"), "* 127.0.0.1:8000"),
        (Route("localhost:8000", path="/news/"), "*,path_beg=/news/ localhost:8000"),
        (Route("127.0.0.1:8000", over_http=True), "* 127.0.0.1:8000,over_http"),
        (
            Route("[::1]:8000", "/a", True, ("no_grip", "sub=news", "id=mine", "host=example.com")),
            "*,path_beg=/a,no_grip,id=mine [::1]:8000,over_http,sub=news,host=example.com",
        ),
    ],
)
def test_a_route_prints_as_its_line(route: Route, line: str) -> None:
    assert str(route) == line


@pytest.mark.parametrize(
    "target", ["", "8000", "localhost", "localhost:", ":8000", "localhost:0", "localhost:65536", "a:²"]
)
def test_a_target_is_a_host_and_a_port(target: str) -> None:
    with pytest.raises(RouteError, match="is not of the form host:port"):
        Route(target)


@pytest.mark.parametrize("path", ["/a b", "/a,b", "/a#b", '/a"b', "/a\nb"])
def test_what_a_routes_file_cannot_hold_is_refused(path: str) -> None:
    with pytest.raises(RouteError, match="which a routes file cannot hold"):
        Route("localhost:8000", path=path)


def test_an_option_that_pushpin_does_not_have_is_refused() -> None:
    with pytest.raises(RouteError, match="Pushpin has no route option 'no_gripp'"):
        Route("localhost:8000", options=("no_gripp",))


def test_two_routes_for_the_same_requests_are_refused() -> None:
    with pytest.raises(RouteError, match=r"take the same requests: '\* a:1' and '\* b:2'"):
        render_routes([Route("a:1"), Route("b:2")])


def test_routes_for_different_protocols_are_different() -> None:
    routes = [Route("a:1", options=("proto=ws",)), Route("b:2")]
    assert render_routes(routes) == "*,proto=ws a:1\n* b:2\n"


def test_a_port_is_the_usual_route() -> None:
    assert as_routes(8000) == routes_to(8000) == (Route("127.0.0.1:8000", over_http=True),)


@pytest.mark.parametrize("given", ["8000", ["a:1"], 8.5, Route("a:1")])
def test_anything_but_routes_and_a_port_is_refused_except_a_single_route(given: object) -> None:
    if isinstance(given, Route):
        assert as_routes(given) == (given,)  # type: ignore[arg-type]
        return
    with pytest.raises(UsageError, match="routes have to be Route objects, or the origin's port"):
        as_routes(given)  # type: ignore[arg-type]

import pytest

from realtime_kit.pushpin.version import OLDEST_SUPPORTED, PushpinVersion

V1_31, V1_36, V1_37 = PushpinVersion(1, 31), PushpinVersion(1, 36), PushpinVersion(1, 37)
V1_38, V1_39, V1_41 = PushpinVersion(1, 38), PushpinVersion(1, 39, 1), PushpinVersion(1, 41)


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("pushpin 1.36.0\n", PushpinVersion(1, 36, 0)),
        ("pushpin 1.38", PushpinVersion(1, 38, 0)),
        ("Pushpin 1.41.2-dev", PushpinVersion(1, 41, 2)),
    ],
)
def test_reads_what_pushpin_answers(text: str, version: PushpinVersion) -> None:
    assert PushpinVersion.parse(text) == version


@pytest.mark.parametrize("text", ["", "pushpin, version 1.36.0", "1.36.0", "usage: pushpin [-h]"])
def test_refuses_what_pushpin_would_not_answer(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected an answer such as 'pushpin 1.36.0', found '"):
        PushpinVersion.parse(text)


def test_prints_as_three_numbers() -> None:
    assert str(PushpinVersion(1, 36)) == "1.36.0"


def test_orders_by_number_and_not_by_text() -> None:
    assert PushpinVersion(1, 9) < PushpinVersion(1, 31) < PushpinVersion(1, 31, 1) < PushpinVersion(2, 0)


def test_the_oldest_supported_is_1_31() -> None:
    assert str(OLDEST_SUPPORTED) == "1.31.0"


@pytest.mark.parametrize("version", [V1_31, V1_36, V1_38, V1_39])
def test_before_1_40_condure_and_zurl_are_services(version: PushpinVersion) -> None:
    assert version.services == ("condure", "zurl", "pushpin-proxy", "pushpin-handler")


def test_from_1_40_the_services_are_three() -> None:
    assert PushpinVersion(1, 40).services == ("connmgr", "proxy", "handler")


def test_zurl_is_needed_up_to_1_39() -> None:
    assert [version.needs_zurl for version in (V1_36, V1_39, V1_41)] == [True, True, False]


@pytest.mark.parametrize(
    ("version", "components"),
    [
        (V1_37, ("condure", "zurl", "pushpin-proxy", "pushpin-handler")),
        (V1_38, ("pushpin-condure", "zurl", "pushpin-proxy", "pushpin-handler")),
        (V1_41, ("pushpin-connmgr", "pushpin-proxy", "pushpin-handler")),
    ],
)
def test_components_follow_the_release(version: PushpinVersion, components: tuple[str, ...]) -> None:
    assert version.components == components


@pytest.mark.parametrize(
    ("version", "packages"),
    [
        (V1_36, ("pushpin", "condure", "zurl")),
        (V1_38, ("pushpin", "zurl")),
        (V1_41, ("pushpin",)),
    ],
)
def test_apt_packages_are_those_that_hold_the_components(
    version: PushpinVersion, packages: tuple[str, ...]
) -> None:
    assert version.apt_packages == packages


def test_socket_names_grew_with_1_37() -> None:
    assert (V1_36.longest_socket_name, V1_37.longest_socket_name) == (18, 24)

"""A lesson's origin as a folder to carry on with: what is in it, and what becomes of a folder that cannot be had."""

from __future__ import annotations

import ast
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from realtime_kit.errors import UsageError
from realtime_kit.lab import prototype_files
from realtime_kit.lab.prototype import export
from realtime_kit.lab.prototype_files import REQUIREMENTS, Ports, pushpin_conf, readme
from realtime_kit.origin import LESSONS
from realtime_kit.pushpin.find import Installation
from realtime_kit.pushpin.version import PushpinVersion

PROJECT = Path(__file__).parents[2] / "pyproject.toml"
NAMES = [lesson.name for lesson in LESSONS]


@pytest.mark.parametrize("name", NAMES)
def test_every_lesson_that_can_be_served_can_be_carried_on_with(name: str, tmp_path: Path) -> None:
    prototype = export(name, tmp_path / "new" / "folder")
    assert sorted(prototype.files) == sorted(names_in(tmp_path / "new" / "folder"))
    compile(prototype.read("app.py"), "app.py", "exec")
    assert prototype.read("routes") == "* 127.0.0.1:8001,over_http\n"


@pytest.mark.parametrize("name", NAMES)
def test_an_application_imports_nothing_but_what_its_requirements_name(name: str, tmp_path: Path) -> None:
    prototype = export(name, tmp_path)
    tree = ast.parse(prototype.read("app.py"))
    modules = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    modules |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    foreign = {module for module in modules if module.partition(".")[0] not in sys.stdlib_module_names}
    assert foreign == {line.partition(">")[0] for line in prototype.read("requirements.txt").split()}


def test_the_bounds_of_its_requirements_are_the_kits_own() -> None:
    assert set(REQUIREMENTS.values()) <= set(tomllib.loads(PROJECT.read_text())["project"]["dependencies"])


def test_a_lessons_number_will_do(tmp_path: Path) -> None:
    assert export("3", tmp_path).lesson.name == "streaming"


def test_the_ports_follow_from_the_clients_port_in_every_file(tmp_path: Path) -> None:
    prototype = export("websocket", tmp_path, port=9000)
    every = {name: prototype.read(name) for name in prototype.files}
    assert not [name for name, text in every.items() for port in ("8000", "8001", "8002") if port in text]
    assert '"9001"' in every["app.py"]
    assert "http://127.0.0.1:9002" in every["app.py"]
    assert "127.0.0.1:9001" in every["routes"]
    assert "http_port=127.0.0.1:9000\n" in every["pushpin.conf"]
    assert "push_in_http_port=9002\n" in every["pushpin.conf"]


@pytest.mark.parametrize("port", range(7998, 8004))
def test_ports_that_overlap_those_it_was_written_with_agree_in_every_file(port: int, tmp_path: Path) -> None:
    prototype = export("streaming", tmp_path, port=port)
    app, conf = prototype.read("app.py"), prototype.read("pushpin.conf")
    assert f'environ.get("PORT", "{port + 1}")' in app
    assert f'environ.get("GRIP_URL", "http://127.0.0.1:{port + 2}")' in app
    assert prototype.read("routes") == f"* 127.0.0.1:{port + 1},over_http\n"
    assert f"\nhttp_port=127.0.0.1:{port}\n" in conf
    assert f"\npush_in_http_port={port + 2}\n" in conf


def test_two_containers_share_a_network_and_only_clients_get_in(tmp_path: Path) -> None:
    services = yaml.safe_load(export("streaming", tmp_path).read("docker-compose.yml"))["services"]
    assert services["pushpin"]["ports"] == ["127.0.0.1:8000:7999"]
    assert services["app"]["network_mode"] == "service:pushpin"
    assert services["app"]["environment"] == {"GRIP_URL": "http://127.0.0.1:5561"}
    assert "ports" not in services["app"]
    assert all(
        (tmp_path / volume.split(":")[0]).exists() for s in services.values() for volume in s["volumes"]
    )


def test_the_readme_says_that_a_container_has_another_key_as_long_as_it_has(tmp_path: Path) -> None:
    prototype = export("streaming", tmp_path)
    mounted = yaml.safe_load(prototype.read("docker-compose.yml"))["services"]["pushpin"]["volumes"]
    assert mounted == ["./routes:/etc/pushpin/routes:ro"]
    assert "its key, `changeme`, is known to everybody" in prototype.read("README.md")


@pytest.mark.parametrize(
    ("version", "services"),
    [
        (PushpinVersion(1, 36), "condure,zurl,pushpin-proxy,pushpin-handler"),
        (PushpinVersion(1, 41), "connmgr,proxy,handler"),
    ],
)
def test_the_configuration_is_for_the_pushpin_that_is_here(version: PushpinVersion, services: str) -> None:
    installation = Installation(Path("/usr/bin/pushpin"), version, None, "PATH")
    assert f"\nservices={services}\n" in pushpin_conf(installation, Ports(8000), token="1")


def test_every_export_has_a_key_and_a_run_folder_of_its_own(tmp_path: Path) -> None:
    first, second = (set(export("1", tmp_path / name).read("pushpin.conf").splitlines()) for name in "ab")
    assert {line.partition("=")[0] for line in first - second} >= {"sig_key", "rundir"}


def test_the_readme_says_how_to_start_a_pushpin_that_is_nowhere_on_the_path() -> None:
    unpacked = Installation(
        Path("/opt/kit/usr/bin/pushpin"), PushpinVersion(1, 36), Path("/opt/kit"), "private prefix"
    )
    given = Installation(Path("/my own/pushpin"), PushpinVersion(1, 41), None, "REALTIME_KIT_PUSHPIN")
    source = '"""It."""\n'
    text = readme("polling", source, unpacked, Ports(8000))
    assert 'PATH=/opt/kit/usr/bin:"$PATH" LD_LIBRARY_PATH=' in text
    assert "'/my own/pushpin' --config=pushpin.conf" in readme("polling", source, given, Ports(8000))
    assert "`realtime-kit install-deps` brings one" in readme("polling", source, None, Ports(8000))


def test_what_is_in_a_folder_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("mine")
    with pytest.raises(UsageError, match="is not empty: give a new folder, nothing is overwritten"):
        export("polling", tmp_path)
    assert names_in(tmp_path) == ["app.py"]
    assert (tmp_path / "app.py").read_text() == "mine"


@pytest.mark.parametrize("trouble", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_what_goes_wrong_in_the_middle_leaves_nothing(
    trouble: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").mkdir()
    opened = Path.open

    def refuse(path: Path, mode: str = "r", **options: str) -> object:
        if path.name == "routes":
            raise trouble
        return opened(path, mode, **options)

    monkeypatch.setattr(Path, "open", refuse)
    expected = UsageError if isinstance(trouble, OSError) else KeyboardInterrupt
    for folder in (tmp_path / "empty", tmp_path / "new" / "folder"):
        with pytest.raises(expected):
            export("polling", folder)
    assert names_in(tmp_path) == ["empty"]
    assert names_in(tmp_path / "empty") == []


def test_it_can_be_exported_where_there_is_no_pushpin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("REALTIME_KIT_HOME", str(tmp_path))
    monkeypatch.delenv("REALTIME_KIT_PUSHPIN", raising=False)
    text = export("polling", tmp_path / "prototype").read("pushpin.conf")
    assert str(prototype_files.WRITTEN_FOR) in text


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]

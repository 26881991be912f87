"""The platforms of lesson 12: those are offered whose packages are here."""

import importlib.metadata
import runpy
import sys

import pytest

from realtime_kit.origin.platforms import function_platforms

ALL = ["process per request", "functions-framework", "Lambda runtime"]


def versions(monkeypatch, **given):
    """What packages there are: a version for each, none for one that is missing."""

    def version(name):
        if name.replace("-", "_") in given:
            return given[name.replace("-", "_")]
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", version)


@pytest.mark.parametrize(
    ("packages", "names"),
    [
        ({"functions_framework": "3.8.1", "awslambdaric": "3.0.0"}, ALL),
        ({"functions_framework": "3.8.1"}, ALL[:2]),
        ({"awslambdaric": "3.1"}, [ALL[0], ALL[2]]),
        ({"functions_framework": "2.0", "awslambdaric": "2.9"}, ALL[:1]),
        ({}, ALL[:1]),
    ],
)
def test_a_process_for_each_request_needs_nothing_and_the_others_a_package_each(
    packages, names, tmp_path, monkeypatch
):
    versions(monkeypatch, **packages)
    platforms = function_platforms(tmp_path)
    assert list(platforms) == names
    assert all(platform.command[0] == sys.executable for platform in platforms.values())


def test_lambda_s_api_without_the_client_of_aws_says_what_to_type(monkeypatch):
    versions(monkeypatch)
    monkeypatch.setattr(sys, "argv", ["runtime_api", "function.handler"])
    monkeypatch.delitem(sys.modules, "realtime_kit.origin.runtime_api", raising=False)
    with pytest.raises(
        SystemExit, match=r"there is no awslambdaric\. Type: realtime-kit install-deps --for 12"
    ):
        runpy.run_module("realtime_kit.origin.runtime_api", run_name="__main__")

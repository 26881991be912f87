"""The files beside a prototype's application: text in, text out."""

from __future__ import annotations

import ast
import os
import secrets
import shlex
from dataclasses import dataclass
from pathlib import Path

from realtime_kit.lab.serve import curl_lines
from realtime_kit.pushpin import PushpinSettings
from realtime_kit.pushpin.config import Addresses, render
from realtime_kit.pushpin.find import Installation
from realtime_kit.pushpin.ports import HOST
from realtime_kit.pushpin.version import PushpinVersion

REQUIREMENTS = {"aiohttp": "aiohttp>=3.12", "gripcontrol": "gripcontrol>=4.4"}
"""What a prototype may import, and where it comes from; the bounds are the kit's own."""

IMAGE = "fanout/pushpin:1.41.0-1"
IMAGE_HTTP_PORT = 7999
IMAGE_PUBLISH_PORT = 5561
PYTHON_IMAGE = "python:3.12-slim"

WRITTEN_FOR = PushpinVersion(1, 41)
"""Where no Pushpin is installed, the configuration is for the one that people get today."""

CONNECTIONS = 20_000
"""More than a prototype needs. A low number is no protection: Pushpin ends when it has held twice as many requests
within a minute."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where everything listens.

    Attributes:
        client: Where clients connect to Pushpin.
    """

    client: int

    @property
    def origin(self) -> int:
        """Of the application."""
        return self.client + 1

    @property
    def publish(self) -> int:
        """Of Pushpin, for who has news."""
        return self.client + 2


def requirements(source: str) -> list[str]:
    """Which packages an application imports, as pip reads it."""
    imported = {
        name.partition(".")[0]
        for node in ast.walk(ast.parse(source))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    return [line for name, line in REQUIREMENTS.items() if name in imported]


def pushpin_conf(installation: Installation | None, ports: Ports, *, token: str) -> str:
    """Pushpin's configuration, for the version that is installed.

    Args:
        installation: The Pushpin of this machine, if there is one.
        ports: Where to listen.
        token: Makes the folder for its sockets one of its own. It is in `/tmp`: a socket's path has room for 107 bytes.
    """
    version = installation.version if installation else WRITTEN_FOR
    text = render(
        version,
        Addresses(HOST, ports.client, ports.publish, Path(f"/tmp/pushpin-{token}")),
        PushpinSettings(),
        client_maxconn=CONNECTIONS,
        sig_key=secrets.token_hex(32),
        libdir=installation.libdir if installation else None,
    )
    return f"""\
# Written for Pushpin {version}. Up to 1.39 it is made of condure, zurl, pushpin-proxy and pushpin-handler, from 1.40
# of connmgr, proxy and handler: that is the line `services`.
#
# http_port: where clients connect. push_in_http_port: where the application publishes; it has no password, so keep
# it on {HOST}. sig_key: signs the header Grip-Sig, by which an application can tell that a request came through here.

{text}"""


def compose_file(ports: Ports) -> str:
    """Application and Pushpin in two containers that share one network, so that `routes` is right for both."""
    return f"""\
services:
  pushpin:
    image: {IMAGE}
    ports:
      - "{HOST}:{ports.client}:{IMAGE_HTTP_PORT}"
    volumes:
      - ./routes:/etc/pushpin/routes:ro
  app:
    image: {PYTHON_IMAGE}
    network_mode: service:pushpin
    depends_on:
      - pushpin
    environment:
      GRIP_URL: http://{HOST}:{IMAGE_PUBLISH_PORT}
    working_dir: /prototype
    volumes:
      - .:/prototype
    command: sh -c "pip install --quiet -r requirements.txt && exec python app.py"
"""


def readme(name: str, source: str, installation: Installation | None, ports: Ports) -> str:
    """What it is, and how to run it, try it and go on."""
    url = f"http://{HOST}:{ports.client}"
    about = (ast.get_docstring(ast.parse(source)) or "").strip()
    listen = "\n".join(curl_lines(name, f"{url}/events"))
    lines = len(source.splitlines())
    return f"""\
# A prototype: {name}

{about}

| file | |
| --- | --- |
| `app.py` | the application: {lines} lines, with aiohttp, and GRIP written by hand as the few headers that it is |
| `events.jsonl` | its memory, a line for each event; your database comes here |
| `routes` | what Pushpin passes on, and where to |
| `pushpin.conf` | Pushpin's ports and settings; in a container the image's own apply |
| `docker-compose.yml` | both of them in containers |
| `requirements.txt` | what `app.py` needs |

## Run it

In this folder, and best in a virtual environment (`python3 -m venv .venv && . .venv/bin/activate`):

```sh
pip install -r requirements.txt
```

```sh
python app.py
```

Then Pushpin, in this folder and another terminal:

```sh
{_pushpin_command(installation)}
```

{_about_pushpin(installation)}Ctrl-C ends each. With Docker nothing else has to be installed, and one line starts both:

```sh
docker compose up
```

## Try it

Listen:

```sh
{listen}
```

Make something happen, from another terminal:

```sh
curl -d 'hello' {url}/events
```

## Carry on

* Change `app.py`, and restart it while somebody listens. Pushpin holds the connections: nobody is cut off.
* Put a database in the place of `EventLog`. What it has to know is what came after an id.
* Clients connect to port {ports.client}. Port {ports.origin} is the application's own, {ports.publish} is where it
  publishes: neither needs to be reached from outside, and the latter must not be.
* To take requests from Pushpin alone, check `Grip-Sig`, a token signed with the `sig_key` of `pushpin.conf`. In a
  container that is the image's `/etc/pushpin/pushpin.conf`, and its key, `changeme`, is known to everybody: mount one
  with a key of your own there first.
* In production Pushpin runs as a service, with its files in `/etc/pushpin`; for more than some 900 connections it
  needs a higher `ulimit -n`.
"""


def _pushpin_command(installation: Installation | None) -> str:
    options = "--config=pushpin.conf --merge-output"
    if installation is None or installation.source == "PATH":
        return f"pushpin {options}"
    if installation.prefix is None:
        return f"{shlex.quote(str(installation.binary))} {options}"
    libraries = shlex.quote(installation.environment["LD_LIBRARY_PATH"])
    path = shlex.quote(str(installation.binary.parent)) + os.pathsep + '"$PATH"'
    return f"PATH={path} LD_LIBRARY_PATH={libraries} pushpin {options}"


def _about_pushpin(installation: Installation | None) -> str:
    if installation is not None:
        return ""
    return (
        "No Pushpin was found where this was exported. `realtime-kit install-deps` brings one; if it is older than "
        "1.40, export once more.\n\n"
    )

"""The policy in the words of nginx."""

from __future__ import annotations

import getpass
import os

from realtime_kit.gateway.policy import GatewayPolicy
from realtime_kit.pushpin.ports import HOST

ACCESS_LOG = "access.log"

_CONF = """\
{user}daemon off;
master_process on;
worker_processes 1;
pid nginx.pid;
error_log stderr warn;
events {{ worker_connections 512; }}

http {{
    log_format lines escape=json '{{"consumer":"$consumer","method":"$request_method","path":"$request_uri",'
        '"status":$status,"seconds":$request_time,"bytes":$bytes_sent}}';
    access_log access.log lines;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;

    map $http_apikey $consumer {{
        default "";
{consumers}    }}
    map $http_upgrade $connection_upgrade {{ default upgrade; "" ""; }}
{zone}
    server {{
        listen {host}:{port};
        default_type text/plain;
        error_page 401 @no_key;
        error_page 429 @too_many;
        error_page 502 @no_answer;
        error_page 504 @too_late;

        location / {{
{rules}            proxy_pass http://{host}:{target_port};
            proxy_http_version {http_version};
            proxy_set_header Host $http_host;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_upgrade;
            proxy_buffering {buffering};
            proxy_read_timeout {timeout_ms}ms;
        }}
        location @no_key {{ return 401 "gateway: no API key in the header apikey, or an unknown one\\n"; }}
        location @too_many {{ return 429 "gateway: above the limit (requests a second: {rate}); try again later\\n"; }}
        location @no_answer {{ return 502 "gateway: nobody answers on port {target_port} behind it\\n"; }}
        location @too_late {{
            return 504 "gateway: no byte of the answer within {timeout:g} s. A held request is silent until there is \
news: hold it for a shorter time than read_timeout_s, or make read_timeout_s longer\\n";
        }}
{directives}    }}
}}
"""


def nginx_conf(policy: GatewayPolicy, *, port: int, target_port: int, directives: str = "") -> str:
    """An `nginx.conf` for a gateway on `port` before what listens on `target_port`, both of 127.0.0.1.

    Args:
        policy: What it asks for.
        port: Where it listens.
        target_port: Where requests go.
        directives: Further lines in nginx's own words, for its server block.
    """
    # A plain string would be matched ignoring its case, and `default` or `include` read as a word of nginx's own. What
    # a policy allows in a key stands for itself in a regular expression.
    consumers = "".join(f'        "~^{key}$" "{name}";\n' for name, key in policy.keys.items())
    zone, rules = "", ""
    if policy.keys:
        rules += '            if ($consumer = "") { return 401; }\n'
    if policy.requests_per_second:
        who = "$consumer" if policy.keys else "$binary_remote_addr"
        zone = f"    limit_req_zone {who} zone=consumers:1m rate={policy.requests_per_second}r/s;\n"
        burst = f" burst={policy.burst} nodelay" if policy.burst else ""
        rules += f"            limit_req zone=consumers{burst};\n            limit_req_status 429;\n"
    return _CONF.format(
        # A master that is root gives its workers to another account, which cannot enter a private folder.
        user=f"user {getpass.getuser()};\n" if os.geteuid() == 0 else "",
        consumers=consumers,
        zone=zone,
        host=HOST,
        port=port,
        target_port=target_port,
        rules=rules,
        rate=policy.requests_per_second,
        buffering="on" if policy.buffering else "off",
        timeout_ms=round(policy.read_timeout_s * 1000),
        http_version=policy.http_version,
        timeout=policy.read_timeout_s,
        directives=directives and f"        {directives}\n",
    )

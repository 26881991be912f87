"""An API gateway before or behind Pushpin: keys, a rate limit, a log of requests, and how answers pass it."""

from realtime_kit.gateway.access_log import LoggedRequest
from realtime_kit.gateway.gateway import Gateway
from realtime_kit.gateway.kong import kong_conf, kong_declaration
from realtime_kit.gateway.nginx import nginx_conf
from realtime_kit.gateway.policy import GatewayPolicy

__all__ = ["Gateway", "GatewayPolicy", "LoggedRequest", "kong_conf", "kong_declaration", "nginx_conf"]

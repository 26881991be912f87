"""Every error the kit raises, split by who is at fault.

RealtimeKitError
├── UsageError                 what you asked for cannot be
├── MissingDependency          something has to be installed; carries the cure
├── PushpinError               the proxy did not do its part; carries its log
│   ├── PushpinConfigError     its configuration is missing, unreadable or refers to what is not there
│   ├── PushpinBroken          a part of the installation is missing or does not start
│   ├── PortInUse              a port it was to listen on belongs to somebody else
│   ├── RunFolderError         its run folder cannot be made or written
│   ├── SocketPathTooLong      its run folder's path leaves no room for socket names
│   ├── RouteError             a route cannot be read
│   ├── PushpinNotReady        it runs, but no event came through from end to end
│   ├── CommandError           it refused a command, or did not answer it
│   └── PushpinStopped         it ended by itself
├── OriginError                the application behind the proxy failed
├── GatewayError               the API gateway before or behind the proxy could not be started
├── DatabaseError              a database that the kit runs did not start, or ended
├── PublishError               the proxy refused an item, or could not be reached
├── ProtocolError              bytes that are not what the protocol allows
├── GripSignatureError         a request whose Grip-Sig does not prove it came through the proxy
├── ClientError                the kit's own client could not do its part
└── LedgerImbalance            a run whose books do not balance: a bug in the kit, never a result
"""

from __future__ import annotations


class RealtimeKitError(Exception):
    """Root of all errors of the kit. Its text says what was found, what is allowed and what to do next."""


class UsageError(RealtimeKitError, ValueError):
    """An argument outside what is allowed."""


class MissingDependency(RealtimeKitError):
    """Something that has to be installed first.

    Args:
        what: The thing that is missing.
        cure: What to type or do, in one sentence.
    """

    def __init__(self, what: str, cure: str) -> None:
        super().__init__(f"{what} {cure}")
        self.what = what
        self.cure = cure


class PushpinError(RealtimeKitError):
    """The proxy did not do its part.

    Args:
        message: What happened and what to do.
        log: The last lines Pushpin wrote, empty if it wrote none.
    """

    def __init__(self, message: str, log: str = "") -> None:
        super().__init__(message)
        self.log = log


class PushpinConfigError(PushpinError):
    """The configuration file is missing, unreadable, or refers to a file that is not there."""


class PushpinBroken(PushpinError):
    """A part of the Pushpin installation is missing or does not start."""


class PortInUse(PushpinError):
    """A port that Pushpin was to listen on belongs to another process."""


class RunFolderError(PushpinError):
    """The run folder cannot be made or written."""


class SocketPathTooLong(PushpinError):
    """The run folder's path leaves no room for the names of the sockets inside it."""


class RouteError(PushpinError):
    """A line of the routes file that Pushpin would silently ignore."""


class PushpinNotReady(PushpinError):
    """Pushpin runs, but within the allowed time no event travelled through it from end to end."""


class CommandError(PushpinError):
    """Pushpin refused a command on its command socket, or did not answer.

    Args:
        message: What happened.
        condition: Pushpin's own word for the reason, such as `item-not-found`; empty if it gave none.
    """

    def __init__(self, message: str, *, condition: str = "") -> None:
        super().__init__(message)
        self.condition = condition


class PushpinStopped(PushpinError):
    """Pushpin ended without being asked to."""


class OriginError(RealtimeKitError):
    """The application behind the proxy could not be started, or ended by itself."""


class GatewayError(RealtimeKitError):
    """The API gateway could not be started, or did not do its part; the text has its own reason."""


class DatabaseError(RealtimeKitError):
    """A database that the kit runs did not start, or ended by itself; the text has what it said."""


class PublishError(RealtimeKitError):
    """Pushpin refused an item, or its publish port could not be reached.

    Args:
        message: What happened.
        refused: Whether Pushpin read the request and said no; another try would end the same way.
    """

    def __init__(self, message: str, *, refused: bool = False) -> None:
        super().__init__(message)
        self.refused = refused


class ProtocolError(RealtimeKitError, ValueError):
    """Bytes or headers that the protocol does not allow."""


class GripSignatureError(RealtimeKitError):
    """A request whose `Grip-Sig` header does not prove that it came through the proxy."""


class ClientError(RealtimeKitError):
    """One of the kit's clients could not do its part; the text names the address and the answer."""


class LedgerImbalance(RealtimeKitError):
    """Expected deliveries are not received plus lost: a bug in the kit, never a result."""

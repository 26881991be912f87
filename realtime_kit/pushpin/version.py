"""Which Pushpin it is, and what follows from that: a property for each fact that changed with a release."""

from __future__ import annotations

import re
from dataclasses import dataclass

_ANSWER = re.compile(r"pushpin (\d+)\.(\d+)(?:\.(\d+))?", re.IGNORECASE)


@dataclass(frozen=True, slots=True, order=True)
class PushpinVersion:
    """A release of Pushpin. Versions compare as their numbers do."""

    major: int
    minor: int
    patch: int = 0

    @classmethod
    def parse(cls, text: str) -> PushpinVersion:
        """Read what `pushpin --version` answers, such as `pushpin 1.36.0`.

        Raises:
            ValueError: The text does not begin the way Pushpin answers.
        """
        found = _ANSWER.match(text.strip())
        if found is None:
            message = f"expected an answer such as 'pushpin 1.36.0', found {text.strip()[:80]!r}"
            raise ValueError(message)
        return cls(*(int(number or 0) for number in found.groups()))

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"

    @property
    def services(self) -> tuple[str, ...]:
        """Names for `services=` in the configuration, in the order Pushpin starts them."""
        if self.needs_zurl:
            return ("condure", "zurl", "pushpin-proxy", "pushpin-handler")
        return ("connmgr", "proxy", "handler")

    @property
    def needs_zurl(self) -> bool:
        """Whether requests to the origin have to go through Zurl, a separate program.

        From 1.37 Condure can do it too, but up to 1.39 it mangles chunked answers: they arrive chunked twice,
        and a chunked answer with GRIP headers hangs for ever. From 1.40 the built-in manager does it well,
        and the packages no longer bring Zurl.
        """
        return self < PushpinVersion(1, 40)

    @property
    def components(self) -> tuple[str, ...]:
        """Programs that have to be installed together with `pushpin` for it to run at all."""
        if not self.needs_zurl:
            return ("pushpin-connmgr", "pushpin-proxy", "pushpin-handler")
        # Condure moved into Pushpin's own source, and took its prefix, with 1.38.
        condure = "condure" if self < PushpinVersion(1, 38) else "pushpin-condure"
        return (condure, "zurl", "pushpin-proxy", "pushpin-handler")

    @property
    def apt_packages(self) -> tuple[str, ...]:
        """Debian packages that hold `components`.

        They are named one by one because `pushpin` before 1.38 depends on Condure *or* Mongrel2: where
        Mongrel2 is installed already, apt would leave Condure out, and the kit has no use for Mongrel2.
        """
        separate = (name for name in ("condure", "zurl") if name in self.components)
        return ("pushpin", *separate)

    @property
    def longest_socket_name(self) -> int:
        """Length in bytes of the longest name, after `ipc_prefix`, of a socket in the run folder.

        A socket's whole path has at most 107 bytes, so this bounds the length of the run folder's path.
        """
        longest = "condure-out-stream" if self < PushpinVersion(1, 37) else "connmgr-client-in-stream"
        return len(longest)


OLDEST_SUPPORTED = PushpinVersion(1, 31)
"""The oldest release the kit was run against."""

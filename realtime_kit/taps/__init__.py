"""Fifth stage: what crosses the wire.

Names are imported when they are first used: the processes of a race count bytes, and need no decoders.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

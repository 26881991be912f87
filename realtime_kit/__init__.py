"""Learn and prototype realtime APIs against a real, embedded Pushpin.

Names are imported when they are first used, so that `import realtime_kit` stays fast.
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

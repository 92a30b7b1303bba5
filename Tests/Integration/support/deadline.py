"""How long a test waits for what must happen.

Generous, as the machine may be slow and busy: only a test that fails waits so long. Where something
must not happen, a test waits for an event behind it instead.
"""

SECONDS = 60

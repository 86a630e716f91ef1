"""How long tests wait for what takes a moment on an idle machine.

A test's bound tells "at once" from "never": what would come without the promise that it proves takes a minute or more
(a poll, a limit, a child that sleeps), and a busy machine may take some seconds for a moment.
"""

from __future__ import annotations

QUICK_S = 30.0

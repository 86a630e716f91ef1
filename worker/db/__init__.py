"""The database: connections, rows, the schema and its changes."""

from __future__ import annotations

from reelq.worker.db.connection import SESSION as SESSION
from reelq.worker.db.connection import TRY_AGAIN as TRY_AGAIN
from reelq.worker.db.connection import Pool as Pool
from reelq.worker.db.connection import Session as Session
from reelq.worker.db.connection import arguments as arguments
from reelq.worker.db.connection import backoff as backoff
from reelq.worker.db.connection import behind_pooler as behind_pooler
from reelq.worker.db.connection import check_own_session as check_own_session
from reelq.worker.db.connection import connect as connect
from reelq.worker.db.connection import conninfo as conninfo
from reelq.worker.db.connection import conninfo_of as conninfo_of
from reelq.worker.db.connection import family as family
from reelq.worker.db.connection import has_pooler as has_pooler
from reelq.worker.db.connection import polls as polls
from reelq.worker.db.rows import Connection as Connection
from reelq.worker.db.text import json_text as json_text

"""sql/ into a database, and what became of it since: the runner (plan, then apply), its files, and drift."""

from __future__ import annotations

from reelq.worker.db.schema.apply import LOCK_KEY as LOCK_KEY
from reelq.worker.db.schema.files import ROOT as ROOT
from reelq.worker.db.schema.files import File as File
from reelq.worker.db.schema.files import SchemaError as SchemaError
from reelq.worker.db.schema.files import files as files
from reelq.worker.db.schema.files import migrations as migrations
from reelq.worker.db.schema.files import rooms as rooms
from reelq.worker.db.schema.files import search_path as search_path
from reelq.worker.db.schema.locks import BUDGET_MS as BUDGET_MS
from reelq.worker.db.schema.locks import PATIENCE_S as PATIENCE_S
from reelq.worker.db.schema.locks import SchemaBusy as SchemaBusy
from reelq.worker.db.schema.plan import REAPPLIED as REAPPLIED
from reelq.worker.db.schema.plan import Plan as Plan
from reelq.worker.db.schema.plan import SchemaNewer as SchemaNewer
from reelq.worker.db.schema.plan import is_file as is_file
from reelq.worker.db.schema.plan import plan as plan
from reelq.worker.db.schema.plan import require as require
from reelq.worker.db.schema.plan import status as status
from reelq.worker.db.schema.releases import frozen as frozen
from reelq.worker.db.schema.runner import diff as diff
from reelq.worker.db.schema.runner import install as install
from reelq.worker.db.schema.runner import script as script
from reelq.worker.db.schema.runner import upgrade as upgrade
from reelq.worker.db.schema.strays import NOBODYS as NOBODYS
from reelq.worker.db.schema.strays import SECOND as SECOND

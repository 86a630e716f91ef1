"""The room `identity`: tenants, their users, log-ins, sessions and single-use tokens, as typed calls. One line of SQL each.

    tenants.py   organisations and their configuration, and for which of them a transaction acts
    subscriptions.py, quotas.py, keys.py   what is paid for, how much may come in a month, API keys
    users.py     accounts: made, listed, changed, suspended, deleted
    login.py     a log-in with password and second factor; passwords and second factors set
    sessions.py  who is logged in where
    tokens.py    what is mailed and used once: an address proved, a password reset, an invitation
    settings.py  what an operator may change of all that

The functions of tenants are here too, by their names.
"""

from reelq.worker.rooms.identity.tenants import STATUSES as STATUSES
from reelq.worker.rooms.identity.tenants import TIERS as TIERS
from reelq.worker.rooms.identity.tenants import Tenant as Tenant
from reelq.worker.rooms.identity.tenants import act_for as act_for
from reelq.worker.rooms.identity.tenants import create_tenant as create_tenant
from reelq.worker.rooms.identity.tenants import find_tenant as find_tenant
from reelq.worker.rooms.identity.tenants import list_tenants as list_tenants
from reelq.worker.rooms.identity.tenants import set_tenant_status as set_tenant_status

"""Schema `identity`: tenants, their configuration, subscriptions, quotas and API keys. Imported by name: keys, quotas, subscriptions."""

from __future__ import annotations

from reelq.worker.rooms.identity.tenants import STATUSES as STATUSES
from reelq.worker.rooms.identity.tenants import TIERS as TIERS
from reelq.worker.rooms.identity.tenants import Tenant as Tenant
from reelq.worker.rooms.identity.tenants import act_for as act_for
from reelq.worker.rooms.identity.tenants import create_tenant as create_tenant
from reelq.worker.rooms.identity.tenants import find_tenant as find_tenant
from reelq.worker.rooms.identity.tenants import list_tenants as list_tenants
from reelq.worker.rooms.identity.tenants import set_tenant_status as set_tenant_status

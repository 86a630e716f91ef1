create or replace view identity.users_masked with (security_barrier = true) as
select
    u.id, u.tenant_id, base.mask_email(u.email) as email, u.email_verified, base.mask_text(u.username) as username, base.mask_text(u.full_name) as full_name,
    u.role, u.status, u.two_factor_enabled, u.failed_login_attempts, u.locked_until, u.created_at, u.updated_at, u.status_changed_at, u.deleted_at
from identity.users as u
where (select base.is_support()) and ((select base.current_tenant()) is null or u.tenant_id = (select base.current_tenant()));

comment on view identity.users_masked is 'Accounts for support: who it is can be confirmed, not read. For reelq_support; all tenants, or the one in reelq.tenant_id. See base.is_support.';

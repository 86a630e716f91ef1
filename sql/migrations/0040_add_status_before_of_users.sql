-- back: alter table identity.users drop column status_before
alter table identity.users add column status_before text;
alter table identity.users add constraint status_before_is_known check (status_before in ('active', 'trial', 'suspended', 'cancelled')) not valid;
comment on column identity.users.status_before is 'The status before it was deleted, to which it comes back; null while it lives, and of those that a release before 0.2.0 deleted. [internal]';

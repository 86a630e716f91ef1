-- back: alter table queue.limits drop column virtual_times, drop column backlog
alter table queue.limits
add column virtual_times double precision[] not null default '{}',
add column backlog boolean not null default false;
comment on column queue.limits.virtual_times is 'How far each priority was served behind this limit, in the unit of queue.parked.fair_key: where a tenant that had nothing waiting comes in. [internal]';
comment on column queue.limits.backlog is 'Jobs that were ready before the limit was set may be more urgent than what is parked: claims park the first of them before they let anything in. See queue.park_backlog. [internal]';

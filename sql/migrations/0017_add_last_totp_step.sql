-- back: alter table identity.users drop column two_factor_last_step
alter table identity.users add column two_factor_last_step bigint;
comment on column identity.users.two_factor_last_step
is 'The last 30 seconds (since 1970, in steps of 30 s) whose code of the second factor was used: no code is taken twice; null: none was. [internal]';

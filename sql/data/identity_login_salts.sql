-- Made once in each database, and never changed: a new secret would tell which addresses have an account.
insert into identity.login_salts (id) values (1) on conflict (id) do nothing;

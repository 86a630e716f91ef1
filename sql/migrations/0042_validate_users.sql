-- back: nothing to do: a check that was validated holds as it did before
alter table identity.users validate constraint status_before_is_known;
alter table identity.users validate constraint email_looks_like_one;

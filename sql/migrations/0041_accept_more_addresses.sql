-- back: alter table identity.users drop constraint email_looks_like_one; addresses that the old check refuses would have to go before it comes back
-- squawk-ignore ban-drop-constraint
alter table identity.users drop constraint email_looks_like_one;
alter table identity.users add constraint email_looks_like_one check (base.is_email(email)) not valid;

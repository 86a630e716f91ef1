-- back: add the columns again, and fill them from identity.subscriptions and identity.quotas
-- instead: the view identity.accounts, which comes with this version
-- No program of 0.1.0 reads or writes them.
-- squawk-ignore-file ban-drop-column
alter table identity.users
drop column subscription_tier,
drop column subscription_status,
drop column subscription_id,
drop column stripe_customer_id,
drop column trial_ends_at,
drop column monthly_quota,
drop column current_usage,
drop column quota_reset_date;

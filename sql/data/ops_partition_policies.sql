-- Rows that an operator has changed stay as they are.
insert into ops.partition_policies (parent, ahead, retention) values
('queue.job_history', 3, '1 year'),
('queue.attempt_history', 3, '90 days'),
('queue.dependency_history', 3, '1 year'),
('ops.audit_logs', 3, '1 year'),
('ops.events', 3, '30 days'),
('ops.webhook_deliveries', 3, '30 days')
on conflict (parent) do nothing;

-- The months to come, so that nothing waits for the first run of the upkeep.
do $$
begin
    perform ops.maintain_partitions();
end;
$$;

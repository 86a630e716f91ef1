-- back: alter table queue.workers drop column beat_interval
alter table queue.workers add column beat_interval interval constraint beat_interval_is_positive check (beat_interval > interval '0');
comment on column queue.workers.beat_interval is 'How often it means to beat; null: it has not told. [internal]';

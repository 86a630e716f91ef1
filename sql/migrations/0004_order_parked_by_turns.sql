-- back: no way back: what reads queue.parked by rank would sort all that wait behind a gate
-- squawk-ignore ban-drop-constraint
alter table queue.parked drop constraint parked_pkey;
alter table queue.parked add constraint parked_pkey primary key using index parked_turns;

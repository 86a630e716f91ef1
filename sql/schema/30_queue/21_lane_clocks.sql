create table queue.lane_clocks (
    lane integer primary key references queue.lanes (lane) on delete cascade,
    virtual_time double precision not null,
    moved_at timestamptz not null
) with (fillfactor = 50);

comment on table queue.lane_clocks is 'How far each lane has been served, in the unit of fair_key: where a tenant that was idle comes in. Moved by claims, four times a second at most.';
comment on column queue.lane_clocks.lane is 'The lane.';
comment on column queue.lane_clocks.virtual_time is 'The greatest fair_key that was served.';
comment on column queue.lane_clocks.moved_at is 'When it was last moved.';

create table queue.locks (
    name text not null,
    bucket integer not null default 0,
    constraint locks_pkey primary key (name, bucket)
);

comment on table queue.locks is $$
Rows to lock, by queue.take_lock. No role but the owner may lock them; an advisory lock anybody can take who may
connect, and hold as long as he likes.
$$;
comment on column queue.locks.name is 'What is locked: promote_due, partitions, limit (by key), or input (by asset), made when needed.';
comment on column queue.locks.bucket is 'Keys are hashed into 0 to 255; 0 where there are none.';

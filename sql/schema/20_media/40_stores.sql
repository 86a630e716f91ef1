-- What workers know of a store before they see it: one that was unmounted looks like an empty one.
create table media.stores (
    bucket text primary key,
    mark text not null,
    created_at timestamptz not null default base.clock()
);

comment on table media.stores is 'The object stores that workers have used, each with the mark by which it proves that it is there.';
comment on column media.stores.bucket is 'Address of the store, as in media.objects.';
comment on column media.stores.mark is 'A random word; the store holds it as the object .incoming/store.';
comment on column media.stores.created_at is 'When a worker first used it.';

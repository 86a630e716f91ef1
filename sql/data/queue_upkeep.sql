insert into queue.upkeep (task) values ('rescue') on conflict (task) do nothing;
insert into queue.upkeep (task) values ('repair') on conflict (task) do nothing;

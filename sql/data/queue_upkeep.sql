insert into queue.upkeep (task) values ('rescue') on conflict (task) do nothing;

insert into queue.upkeep (task) values ('rescue'), ('archive'), ('stats'), ('repair') on conflict (task) do nothing;

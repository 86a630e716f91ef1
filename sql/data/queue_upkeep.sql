insert into queue.upkeep (task) values ('rescue'), ('archive'), ('stats'), ('repair'), ('identity') on conflict (task) do nothing;

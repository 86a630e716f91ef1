insert into queue.upkeep (task) values ('rescue'), ('archive'), ('stats'), ('repair'), ('identity'), ('retention') on conflict (task) do nothing;

insert into queue.upkeep (task) values ('rescue'), ('archive'), ('stats') on conflict (task) do nothing;

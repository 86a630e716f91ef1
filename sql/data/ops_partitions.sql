-- The first months, so that a new database needs no upkeep before it is used; later ones are the upkeep's.
do $$
begin
    perform from ops.partition_policies as p cross join lateral ops.make_ahead(p, false) as m;
end;
$$;

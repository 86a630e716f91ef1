-- The policies in the table files name these roles, so they must exist before the first table does.
-- sql/grants.sql calls the same function again, for a database that was restored into another cluster.
select base.ensure_roles();

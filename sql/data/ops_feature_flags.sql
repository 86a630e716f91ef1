-- Flags that the product asks for. Who has them on is the operators'; the descriptions are ours.
insert into ops.feature_flags as f (name, description) values
(
    'ladder.better_compression',
    'Renditions are encoded with the x264 preset medium where the host''s is faster: smaller files at the same quality, for about twice the CPU.'
)
on conflict (name) do update set description = excluded.description where f.description <> excluded.description;

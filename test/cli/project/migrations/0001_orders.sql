-- A table of its own: nothing else reads it yet.
CREATE TABLE parcels (id bigint PRIMARY KEY, weight_g integer);

CREATE TABLE shop.parcels (width integer NOT NULL, depth integer, area integer GENERATED ALWAYS AS (width * depth) VIRTUAL);
ALTER TABLE shop.parcels ADD CONSTRAINT parcels_depth NOT NULL depth NOT VALID;

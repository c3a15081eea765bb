CREATE TABLE shop.coupons (code text, used_by bigint);
CREATE UNIQUE INDEX coupons_used ON shop.coupons (used_by) NULLS NOT DISTINCT;
CREATE STATISTICS shop.coupons_lower ON (lower(code)) FROM shop.coupons;
CREATE PUBLICATION whole_schema FOR TABLES IN SCHEMA "Odd schema";

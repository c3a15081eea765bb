-- Single use does not rest on consumed_overrides alone: the chain says too which overrides an approval has used up. These entries are few.
-- In JSON the quotation marks of a text are escaped, so nothing but the key itself is found.
CREATE INDEX audit_entries_using_overrides ON plangate.audit_entries (sequence) WHERE body LIKE '%"consumed":true%';

-- Entries of postings in a range of ids that do not exist.
select 'posting_missing' as "rule!", 'posting' as "kind!", posting_id as "id!", 'a posting' as "expected",
       'only entries' as "found"
from (select distinct posting_id from ledger_entries where posting_id > $1 and posting_id <= $2) e
where not exists (select from ledger_postings l where l.id = e.posting_id)

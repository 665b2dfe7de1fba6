-- What gathers in a GIN index's pending list, one insert merges: at 2 MB it took 50 to 130 ms, for which all reports behind
-- it waited, every two seconds at 100 reports a second. Many short merges cost the same and are not noticed.
ALTER INDEX document_search SET (gin_pending_list_limit = 256);
ALTER INDEX document_readers SET (gin_pending_list_limit = 64);

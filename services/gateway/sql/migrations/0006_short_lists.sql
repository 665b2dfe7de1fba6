-- The insert that merges a GIN index's pending list makes all behind it wait: 40 ms and more at the default of 4 MB.
ALTER INDEX intake_sketch SET (gin_pending_list_limit = 64);

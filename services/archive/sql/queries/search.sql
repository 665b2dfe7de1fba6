-- name: limit_reading!
-- Plan for the very values of this search, and give it up after a while.
SELECT set_config('plan_cache_mode', 'force_custom_plan', true), set_config('statement_timeout', :milliseconds, true);

-- name: find
-- Documents that a reader may see and that match; one row with null id and the total where the page is empty.
WITH matched AS MATERIALIZED (
    SELECT d.id, d.sent_at,
        CASE WHEN :by_relevance::boolean THEN ts_rank(d.search, (:tsquery::text)::tsquery, 1) ELSE 0 END AS rank
    FROM document d
    WHERE d.readers @> ARRAY[:reader::text]
      AND ((:tsquery::text) IS NULL OR d.search @@ (:tsquery::text)::tsquery)
      AND ((:origin::text) IS NULL
          OR CASE WHEN :subtree::boolean THEN starts_with(d.origin, :origin::text) ELSE d.origin = :origin::text END)
      AND ((:category::text) IS NULL OR d.category = :category::text)
      AND ((:stage::text) IS NULL OR d.stage = :stage::text)
      AND ((:urgency::text) IS NULL OR d.urgency = :urgency::text)
      AND ((:importance::text) IS NULL OR d.importance = :importance::text)
      AND ((:research::boolean) IS NULL OR d.research = :research::boolean)
      AND ((:sent_from::timestamptz) IS NULL OR d.sent_at >= :sent_from::timestamptz)
      AND ((:sent_before::timestamptz) IS NULL OR d.sent_at < :sent_before::timestamptz)
      AND ((:adopted::boolean) IS NULL
          OR EXISTS (SELECT FROM adoption a WHERE a.report = d.id) = :adopted::boolean)
      AND (cardinality(:phrases::text[]) = 0 OR NOT EXISTS (
          SELECT FROM unnest(:phrases::text[]) AS p
          WHERE strpos(coalesce(d.folded, d.title || E'\n' || d.body), p) = 0))
      AND (cardinality(:banned::text[]) = 0 OR NOT EXISTS (
          SELECT FROM unnest(:banned::text[]) AS p
          WHERE strpos(coalesce(d.folded, d.title || E'\n' || d.body), p) > 0))
), page AS (
    SELECT id, row_number() OVER (ORDER BY rank DESC, sent_at DESC, id DESC) AS place FROM matched
    ORDER BY rank DESC, sent_at DESC, id DESC LIMIT :limit::int OFFSET :offset::int
)
SELECT total.count AS total, d.id, d.origin, d.title, d.body, d.category, d.sent_at,
    EXISTS (SELECT FROM adoption a WHERE a.report = d.id) AS adopted,
    ARRAY(
        SELECT o.id FROM document o
        WHERE o.text_hash = d.text_hash AND o.origin <> d.origin AND o.readers @> ARRAY[:reader::text]
        ORDER BY o.sent_at, o.id LIMIT 20
    ) AS same_as
FROM (SELECT count(*) FROM matched) AS total
LEFT JOIN (page JOIN document d USING (id)) ON true
ORDER BY page.place;

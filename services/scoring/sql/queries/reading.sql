-- name: month_table
-- Return each unit's adoptions of a month and its points of that month and of the year so far, at one hub.
SELECT unit,
       coalesce(sum(items) FILTER (WHERE month = :month AND verdict = 'adopted'), 0) AS adopted,
       coalesce(sum(items) FILTER (WHERE month = :month AND verdict = 'merged'), 0) AS merged,
       coalesce(sum(points) FILTER (WHERE month = :month), 0) AS points,
       sum(points) AS year_points
FROM entry
WHERE hub = :hub AND month BETWEEN :january AND :month
GROUP BY unit

-- name: ledger_page
-- Return entries after a number in order of arrival, of one hub, unit and month where given ('' for any).
SELECT number, id, decision, report, unit, hub, month, series, issue, verdict, share, items, points,
       rule_set, rule_version, rule, reverses, at
FROM entry
WHERE (:hub::text = '' OR hub = :hub) AND (:unit::text = '' OR unit = :unit) AND (:month::text = '' OR month = :month)
  AND number > :after
ORDER BY number
LIMIT :limit

-- name: unit_month
-- Return a unit's entries of a month, of one hub where given, in order of time.
SELECT number, id, decision, report, unit, hub, month, series, issue, verdict, share, items, points,
       rule_set, rule_version, rule, reverses, at
FROM entry
WHERE unit = :unit AND month = :month AND (:hub::text = '' OR hub = :hub)
ORDER BY at, decision, report, number

-- name: totals^
-- Return counts and points since a time (by the time of sending).
SELECT (SELECT count(*) FROM decision WHERE sent_at >= :since) AS decisions,
       (SELECT count(*) FROM decision AS r
        WHERE r.verdict = 'reversed' AND r.sent_at >= :since
          AND NOT EXISTS (SELECT FROM decision AS d WHERE d.id = r.about)) AS waiting_reversals,
       count(*) AS entries,
       coalesce(sum(points), 0) AS points
FROM entry
WHERE at >= :since

-- name: adopted_reports$
-- Return how many distinct reports stand adopted or merged somewhere, counting entries since a time.
SELECT count(*) FROM (SELECT report FROM entry WHERE at >= :since GROUP BY report HAVING sum(items) > 0) AS standing

-- name: ignored_reasons
-- Return how many messages were recorded as not counting, by reason, since a time (of recording).
SELECT reason, count(*) AS number FROM ignored WHERE recorded_at >= :since GROUP BY reason ORDER BY reason

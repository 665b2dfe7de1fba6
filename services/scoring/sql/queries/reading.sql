-- name: ledger_page
-- Return entries after a number in order of arrival, of one hub, unit and month where given ('' for any).
SELECT number, id, event, report, unit, hub, level, month, at, series, issue, kind, share, items, points,
       rule_version, rule, via, reverses
FROM entry
WHERE (:hub::text = '' OR hub = :hub) AND (:unit::text = '' OR unit = :unit) AND (:month::text = '' OR month = :month)
  AND number > :after
ORDER BY number
LIMIT :limit

-- name: hub_year
-- Return a hub's entries of a time, for its settlement.
SELECT id, event, report, unit, hub, level, month, at, series, issue, kind, share, items, points,
       rule_version, rule, via, reverses
FROM entry
WHERE hub = :hub AND month BETWEEN :first AND :last

-- name: accounts_of
-- Return the hubs in whose accounts a unit has entries of a month.
SELECT DISTINCT hub FROM entry WHERE unit = :unit AND month = :month ORDER BY hub

-- name: totals^
-- Return counts and points since a time (by the time of sending).
SELECT (SELECT count(*) FROM fact WHERE kind = 'decision' AND sent_at >= :since) AS decisions,
       (SELECT count(*) FROM fact WHERE sent_at >= :since) AS facts,
       (SELECT count(*) FROM fact AS r
        WHERE r.verdict = 'reversed' AND r.sent_at >= :since
          AND NOT EXISTS (SELECT FROM fact AS d WHERE d.id = r.about)) AS waiting_reversals,
       (SELECT count(*) FROM rules WHERE sent_at >= :since) AS rules,
       (SELECT count(*) FROM bulletin WHERE sent_at >= :since) AS bulletins,
       (SELECT count(*) FROM report WHERE recorded_at >= :since) AS reports,
       count(*) AS entries,
       coalesce(sum(points), 0) AS points
FROM entry
WHERE at >= :since

-- name: adopted_reports$
-- Return how many distinct reports stand adopted or merged somewhere, counting entries since a time.
SELECT count(*) FROM (SELECT report FROM entry WHERE at >= :since GROUP BY report HAVING sum(items) > 0) AS standing

-- name: ignored_reasons
-- Return how many messages do not count, by reason, since a time (of recording); rules may have come after what lacked them.
SELECT reason, count(*) AS number
FROM ignored AS i
WHERE recorded_at >= :since
  AND NOT (reason IN ('scoring.no_rules_in_force', 'scoring.series_unknown')
           AND EXISTS (SELECT FROM entry AS e WHERE e.event = i.message AND e.hub = i.hub))
  AND NOT (reason = 'scoring.no_rules_in_force'
           AND EXISTS (SELECT FROM ignored AS later WHERE later.digest = i.digest AND later.reason <> i.reason))
GROUP BY reason
ORDER BY reason

-- name: rules_count$
-- Return how many versions of rules there are: they are only ever added.
SELECT count(*) FROM rules

-- name: all_rules
-- Return all versions of all hubs' rules.
SELECT hub, message, version, content, sent_at FROM rules ORDER BY hub, effective_from

-- name: issued_bulletins
-- Return a hub's bulletins on a year, the oldest first.
SELECT id, hub, content, sent_at FROM bulletin WHERE hub = :hub AND left(period, 4) = :year ORDER BY sent_at, id

-- name: issued_heads
-- Return which bulletins on a year a hub has issued, and which commendations of all years.
SELECT id, type, period FROM bulletin WHERE hub = :hub AND (left(period, 4) = :year OR type = 'commendation')

-- name: handed_research
-- Return the research reports sent to a hub in a month, with the joint units that its unit named in each or in what
-- that unit continued it with, and what the hub made of these.
WITH RECURSIVE chain (root, unit, id, joint) AS (
    SELECT id, unit, id, joint FROM report WHERE month = :month AND research AND about IS NULL AND :hub = ANY (hubs)
    UNION
    SELECT chain.root, chain.unit, report.id, report.joint
    FROM chain
    JOIN report ON report.about = chain.id AND report.unit = chain.unit
)
SELECT chain.unit, coalesce(array_agg(DISTINCT partner) FILTER (WHERE partner IS NOT NULL), '{}') AS joint,
       coalesce(bool_or(f.verdict IN ('adopted', 'merged')), false) AS adopted,
       coalesce(bool_or(f.verdict = 'declined'), false) AS declined
FROM chain
LEFT JOIN LATERAL unnest(chain.joint) AS partner ON true
LEFT JOIN ref ON ref.ref = chain.id
LEFT JOIN fact AS f ON f.id = ref.fact AND f.hub = :hub AND f.verdict IN ('adopted', 'merged', 'declined')
     AND NOT EXISTS (SELECT FROM fact AS b WHERE b.verdict = 'reversed' AND b.about = f.id AND b.hub = f.hub)
GROUP BY root, chain.unit

-- name: designations_of
-- Return what a hub has decided on direct-report points, the oldest first.
SELECT id, unit, standing, replaces, effective_from, sent_at FROM designation WHERE hub = :hub ORDER BY effective_from, id

-- name: has_recorded$
-- Return whether something that a hub stated is recorded, as a statement or as ignored.
SELECT EXISTS (SELECT FROM statement WHERE id = :message AND origin = :hub)
    OR EXISTS (SELECT FROM ignored WHERE message = :message AND hub = :hub)

-- name: appeals_to
-- Return the appeals to a hub and which adjustment answers each, of those that were not taken back the first; the oldest first.
SELECT a.id, a.unit, a.month, a.about, a.person, a.text, a.sent_at, answer.id AS answer, answer.content
FROM appeal AS a
LEFT JOIN LATERAL (
    SELECT f.id, f.content
    FROM fact AS f
    WHERE f.kind = 'adjustment' AND f.about = a.id AND f.hub = :hub
      AND NOT EXISTS (SELECT FROM fact AS b WHERE b.verdict = 'reversed' AND b.about = f.id AND b.hub = f.hub)
    ORDER BY f.sent_at, f.id
    LIMIT 1
) AS answer ON true
WHERE :hub = ANY (a.hubs)
ORDER BY a.sent_at, a.id

-- name: facts_of
-- Return the facts that concern some hubs' accounts, sent within a time, in the order of their ids, after one.
SELECT id, content
FROM fact
WHERE sent_at >= :since AND sent_at < :until AND (hub = ANY (:hubs::text[]) OR kind IN ('progress', 'closure'))
  AND id > :after
ORDER BY id
LIMIT :limit

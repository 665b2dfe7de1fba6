-- name: key_points_said
-- The key points that a node sent within a time, and whether the network refused them.
SELECT s.body, EXISTS (
    SELECT FROM fate f WHERE f.message = s.id AND f.giver = :router AND f.outcome = 'refused') AS refused
FROM sent s
WHERE s.node = :node AND s.kind = 'key_points' AND s.sent_at >= :since AND s.sent_at < :until
ORDER BY s.id;

-- name: key_points_told
-- The key points that a node received, of those said within a time.
SELECT body FROM inbox
WHERE node = :node AND kind = 'key_points' AND sent_at >= :since AND sent_at < :until
ORDER BY id;

-- name: answers_sent
-- How many reports a node sent from a time on that name each of these points, without what the network refused.
SELECT answers, count(*) AS reports
FROM (
    SELECT i.content::jsonb ->> 'answers' AS answers
    FROM sent s JOIN item i ON i.message = s.id
    WHERE s.node = :node AND s.kind = 'report' AND s.sent_at >= :since AND NOT EXISTS (
        SELECT FROM fate f WHERE f.message = s.id AND f.giver = :router AND f.outcome = 'refused')
) named
WHERE answers = ANY(:points::text[]) GROUP BY answers;

-- name: answers_received
-- How many reports of each unit at a hub name each of these points, and how many of those the hub adopted or merged.
SELECT k.answers, k.origin, count(*) AS reports, count(*) FILTER (WHERE EXISTS (
    SELECT FROM decided d WHERE d.hub = k.hub AND d.report = k.report AND d.reversed_by IS NULL
        AND d.verdict IN ('adopted', 'merged'))) AS adopted
FROM intake k
WHERE k.hub = :hub AND k.answers <> '' AND k.answers = ANY(:points::text[])
GROUP BY k.answers, k.origin;

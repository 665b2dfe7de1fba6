-- A reversal may be refused: what it takes back is kept beside it, and then stands again. At most one stands at a time.
ALTER TABLE decided ADD COLUMN reversed_by uuid, DROP CONSTRAINT decided_pkey, ADD PRIMARY KEY (hub, report, decision);
CREATE UNIQUE INDEX decided_in_force ON decided (hub, report) WHERE reversed_by IS NULL;
CREATE INDEX decided_by_reversal ON decided (reversed_by) WHERE reversed_by IS NOT NULL;

ALTER TABLE selection ADD COLUMN reversed_by uuid, ADD COLUMN outcome_reversed_by uuid,
    DROP CONSTRAINT selection_pkey, ADD PRIMARY KEY (hub, report, level, decision);
CREATE UNIQUE INDEX selection_in_force ON selection (hub, report, level) WHERE reversed_by IS NULL;
CREATE INDEX selection_by_reversal ON selection (reversed_by) WHERE reversed_by IS NOT NULL;

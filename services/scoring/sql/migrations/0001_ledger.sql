-- Decisions as they were received, the ledger that follows from them, and what did not count.

CREATE TABLE rule_version (
    rule_set    text NOT NULL,
    version     text NOT NULL,
    content     text NOT NULL, -- JSON of the rule set as it was when first loaded: later entries must mean the same
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (rule_set, version)
);

CREATE TABLE decision (
    id          uuid PRIMARY KEY,
    hub         text NOT NULL,
    verdict     text NOT NULL,
    about       uuid,
    digest      text NOT NULL, -- SHA-256 of the signed bytes
    sent_at     timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX decision_reversal ON decision (about) WHERE verdict = 'reversed';

CREATE TABLE entry (
    number       bigint GENERATED ALWAYS AS IDENTITY, -- order of arrival here: a cursor, no part of the ledger's content
    id           uuid PRIMARY KEY,
    decision     uuid NOT NULL REFERENCES decision (id),
    report       uuid NOT NULL,
    unit         text NOT NULL,
    hub          text NOT NULL,
    month        text NOT NULL CHECK (month ~ '^\d{4}-(0[1-9]|1[0-2])$'),
    series       text NOT NULL,
    issue        text NOT NULL,
    verdict      text NOT NULL CHECK (verdict IN ('adopted', 'merged')),
    share        numeric NOT NULL CHECK (share > 0 AND share <= 1),
    items        smallint NOT NULL CHECK (items IN (1, -1)),
    points       numeric(12, 4) NOT NULL CHECK (points * items >= 0),
    rule_set     text NOT NULL,
    rule_version text NOT NULL,
    rule         text NOT NULL,
    reverses     uuid REFERENCES entry (id),
    at           timestamptz NOT NULL,
    FOREIGN KEY (rule_set, rule_version) REFERENCES rule_version (rule_set, version),
    CHECK (items = 1 OR reverses IS NOT NULL)
) WITH (autovacuum_vacuum_insert_threshold = 2000, autovacuum_vacuum_insert_scale_factor = 0.02);
CREATE UNIQUE INDEX entry_number ON entry (number);
CREATE INDEX entry_decision ON entry (decision);
CREATE INDEX entry_unit ON entry (unit, number);
CREATE INDEX entry_hub ON entry (hub, number);
CREATE INDEX entry_month ON entry (hub, month) INCLUDE (unit, verdict, items, points); -- month tables from the index alone

CREATE TABLE ignored (
    digest      text NOT NULL, -- SHA-256 of the signed bytes, of the whole body where that could not be read
    reason      text NOT NULL,
    detail      text NOT NULL,
    message     uuid,
    hub         text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (digest, reason)
);

-- Art. 13: a correction is a reversal entry. Not even the service's own account changes what stands here.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on %: this table only grows, a correction is a new row', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON entry EXECUTE FUNCTION refuse_change();
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON decision EXECUTE FUNCTION refuse_change();
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON ignored EXECUTE FUNCTION refuse_change();
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON rule_version EXECUTE FUNCTION refuse_change();

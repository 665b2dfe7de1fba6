-- The ledger as ADR 11 has it: gross entries that follow from facts, rules that came as messages, bulletins that stand.
-- The first ledger was scored by files and without its messages; it stays, unread, under names of its own.

ALTER TABLE entry RENAME TO entry_0001;
ALTER TABLE decision RENAME TO decision_0001;
ALTER TABLE rule_version RENAME TO rule_version_0001;
ALTER INDEX entry_pkey RENAME TO entry_0001_pkey;
ALTER INDEX entry_number RENAME TO entry_0001_number;
ALTER INDEX entry_unit RENAME TO entry_0001_unit;
ALTER INDEX entry_hub RENAME TO entry_0001_hub;
ALTER INDEX entry_month RENAME TO entry_0001_month;
ALTER INDEX decision_pkey RENAME TO decision_0001_pkey;

CREATE TABLE fact (
    id          uuid PRIMARY KEY, -- of the message
    kind        text NOT NULL,
    hub         text NOT NULL,    -- who said it: for a unit's progress, the unit
    verdict     text,             -- of a decision
    about       uuid,             -- what a reversal takes back, what an adjustment answers
    sent_at     timestamptz NOT NULL,
    digest      text NOT NULL,    -- SHA-256 of the signed bytes
    content     bytea NOT NULL,   -- JSON: the message, and what the directory said when it was judged
    recorded_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX fact_about ON fact (about) WHERE about IS NOT NULL;
CREATE INDEX fact_hub ON fact (hub, sent_at);
CREATE INDEX fact_sent ON fact (sent_at);

CREATE TABLE ref ( -- by which facts find one another
    ref  uuid NOT NULL,
    fact uuid NOT NULL REFERENCES fact (id),
    PRIMARY KEY (ref, fact)
);
CREATE INDEX ref_fact ON ref (fact);

CREATE TABLE rules (
    message        uuid PRIMARY KEY,
    hub            text NOT NULL,
    version        text NOT NULL,
    effective_from date NOT NULL,
    content        text NOT NULL, -- the rule file as it was signed
    sent_at        timestamptz NOT NULL,
    recorded_at    timestamptz NOT NULL DEFAULT now(),
    UNIQUE (hub, version)
);

CREATE TABLE entry (
    number       bigint GENERATED ALWAYS AS IDENTITY, -- order of arrival here: a cursor, no part of the ledger's content
    id           uuid PRIMARY KEY,
    event        uuid NOT NULL REFERENCES fact (id),
    report       uuid,
    unit         text NOT NULL,
    hub          text NOT NULL,
    level        text NOT NULL CHECK (level IN ('city', 'province', 'national')),
    month        text NOT NULL CHECK (month ~ '^\d{4}-(0[1-9]|1[0-2])$'),
    at           timestamptz NOT NULL,
    series       text NOT NULL,
    issue        text NOT NULL,
    kind         text NOT NULL CHECK (kind IN ('adopted', 'merged', 'selected', 'instruction', 'deduction', 'appeal')),
    share        numeric NOT NULL CHECK (share > 0 AND share <= 1),
    items        smallint NOT NULL CHECK (items BETWEEN -1 AND 1),
    points       numeric(16, 4) NOT NULL,
    rule_version text NOT NULL,
    rule         text NOT NULL,
    via          uuid REFERENCES fact (id),
    reverses     uuid REFERENCES entry (id),
    FOREIGN KEY (hub, rule_version) REFERENCES rules (hub, version)
) WITH (autovacuum_vacuum_insert_threshold = 2000, autovacuum_vacuum_insert_scale_factor = 0.02);
CREATE UNIQUE INDEX entry_number ON entry (number);
CREATE INDEX entry_event ON entry (event);
CREATE INDEX entry_unit ON entry (unit, number);
CREATE INDEX entry_hub ON entry (hub, number);
CREATE INDEX entry_month ON entry (hub, month);

CREATE TABLE report ( -- what obligations need to know of a report (Art. 10), without its text
    id          uuid PRIMARY KEY,
    unit        text NOT NULL,
    hubs        text[] NOT NULL,
    month       text NOT NULL,
    about       uuid,             -- the report that it continues
    research    boolean NOT NULL,
    digest      text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX report_research ON report (month) WHERE research;
CREATE INDEX report_about ON report (about) WHERE about IS NOT NULL;

CREATE TABLE bulletin (
    id          uuid PRIMARY KEY,
    hub         text NOT NULL,
    type        text NOT NULL CHECK (type IN ('monthly', 'yearly', 'commendation')),
    period      text NOT NULL,
    content     text NOT NULL, -- as it was signed
    sent_at     timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (hub, type, period)
);

CREATE TABLE designation (
    id             uuid PRIMARY KEY,
    hub            text NOT NULL,
    unit           text NOT NULL,
    standing       text NOT NULL CHECK (standing IN ('designated', 'warned', 'revoked')),
    replaces       text,
    effective_from date NOT NULL,
    content        text NOT NULL, -- as it was signed
    sent_at        timestamptz NOT NULL,
    recorded_at    timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX designation_unit ON designation (unit, effective_from);

CREATE TABLE appeal (
    id          uuid PRIMARY KEY,
    unit        text NOT NULL,
    hubs        text[] NOT NULL,
    month       text NOT NULL,
    about       uuid,
    person      text NOT NULL,
    text        text NOT NULL,
    sent_at     timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now()
);

CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON fact EXECUTE FUNCTION refuse_change();
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON ref EXECUTE FUNCTION refuse_change();
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON rules EXECUTE FUNCTION refuse_change();
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON entry EXECUTE FUNCTION refuse_change();
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON report EXECUTE FUNCTION refuse_change();
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON bulletin EXECUTE FUNCTION refuse_change();
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON designation EXECUTE FUNCTION refuse_change();
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON appeal EXECUTE FUNCTION refuse_change();

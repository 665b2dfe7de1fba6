-- By which bytes each statement came, so that others under its id are noticed; of what was recorded before it is not known.

ALTER TABLE rules ADD COLUMN digest text; -- SHA-256 of the signed bytes
ALTER TABLE bulletin ADD COLUMN digest text;
ALTER TABLE designation ADD COLUMN digest text;
ALTER TABLE appeal ADD COLUMN digest text;

CREATE TABLE rules_again ( -- messages that say of a version what was said before: nothing follows from them
    message     uuid PRIMARY KEY,
    hub         text NOT NULL,
    digest      text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now()
);
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON rules_again EXECUTE FUNCTION refuse_change();

CREATE VIEW statement (kind, id, origin, digest) AS
SELECT 'rules', message, hub, digest FROM rules
UNION ALL SELECT 'rules', message, hub, digest FROM rules_again
UNION ALL SELECT 'bulletin', id, hub, digest FROM bulletin
UNION ALL SELECT 'designation', id, hub, digest FROM designation
UNION ALL SELECT 'appeal', id, unit, digest FROM appeal;

CREATE INDEX ignored_message ON ignored (message) WHERE message IS NOT NULL;

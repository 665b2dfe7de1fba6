-- Joint research (Art. 10): a report counts for other units too. What was recorded before names none.

ALTER TABLE report ADD COLUMN joint text[] NOT NULL DEFAULT '{}'; -- units that did the research together with ``unit``

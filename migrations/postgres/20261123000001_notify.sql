-- +goose Up
-- +goose StatementBegin
-- Who is told again, elsewhere or not at all: reminders, fallback channels, silences and what they hold back.

ALTER TABLE channels
    ADD COLUMN renotify_s       bigint NOT NULL DEFAULT 0, -- seconds after which it is reminded; 0: never
    ADD COLUMN fallback_id      uuid,                      -- the channel that is told instead
    ADD COLUMN fallback_after_s bigint NOT NULL DEFAULT 0; -- seconds; 0: only when a delivery is dead

ALTER TABLE deliveries
    ADD COLUMN cause   text NOT NULL DEFAULT '', -- what made it, unless it was a pipeline: fallback, reminder, acknowledged, analysis, resend, test, sent
    ADD COLUMN detail  text NOT NULL DEFAULT '', -- its reason in a sentence
    ADD COLUMN held_by uuid;                     -- the silence that holds it back

ALTER TABLE messages
    ADD COLUMN parts  bigint NOT NULL DEFAULT 1, -- a long one is sent in parts
    ADD COLUMN sent   bigint NOT NULL DEFAULT 0, -- parts that have arrived
    ADD COLUMN remark text NOT NULL DEFAULT '';  -- what went wrong while it was written

CREATE TABLE silences (
    id             uuid PRIMARY KEY,
    tenant_id      text NOT NULL,
    name           text NOT NULL DEFAULT '', -- of those that configuration files know
    kind           text NOT NULL, -- silence, maintenance
    matchers       text NOT NULL, -- JSON list of strings
    comment        text NOT NULL DEFAULT '',
    created_by     text NOT NULL DEFAULT '',
    starts_at      timestamptz NOT NULL,
    ends_at        timestamptz,
    until_resolved boolean NOT NULL DEFAULT false,
    unused_for_s   bigint NOT NULL DEFAULT 0,
    recurrence     text NOT NULL DEFAULT '', -- JSON, '' for none
    used_at        timestamptz,              -- when it last held something back, or could have
    expired_at     timestamptz,              -- when it was over
    expired_by     text NOT NULL DEFAULT '', -- who ended it, '' when it ended by itself
    version        bigint NOT NULL DEFAULT 1,
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL
);
CREATE INDEX silences_list ON silences (tenant_id, id);
CREATE INDEX silences_live ON silences (tenant_id) WHERE expired_at IS NULL;
CREATE UNIQUE INDEX silences_name ON silences (tenant_id, name) WHERE name <> '' AND expired_at IS NULL;

-- Alerts that somebody would have been told of but for a silence, one row for each firing alert of what was held back. Whoever tells them
-- anew takes the rows away in the same transaction.
CREATE TABLE holds (
    incident_id uuid NOT NULL,
    alert_id    uuid NOT NULL,
    tenant_id   text NOT NULL,
    silence_id  uuid NOT NULL,
    held_at     timestamptz NOT NULL,
    PRIMARY KEY (incident_id, alert_id)
);
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
DROP TABLE holds, silences;
ALTER TABLE messages DROP COLUMN parts, DROP COLUMN sent, DROP COLUMN remark;
ALTER TABLE deliveries DROP COLUMN cause, DROP COLUMN detail, DROP COLUMN held_by;
ALTER TABLE channels DROP COLUMN renotify_s, DROP COLUMN fallback_id, DROP COLUMN fallback_after_s;
-- +goose StatementEnd

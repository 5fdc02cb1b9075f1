-- +goose Up
-- +goose StatementBegin
-- How many messages a channel takes in a time, and what it was not told for that.

ALTER TABLE channels ADD COLUMN throttle_messages INTEGER NOT NULL DEFAULT 0; -- how many messages it takes in that time; 0: any number
ALTER TABLE channels ADD COLUMN throttle_per_s INTEGER NOT NULL DEFAULT 0;    -- seconds

-- The messages that a channel may have in its time, one row each: one that was used is free again when that time is over. Whoever plans a
-- message takes a free row that nobody else has locked, so that processes neither wait for each other nor take the same one.
CREATE TABLE throttle_slots (
    channel_id BLOB NOT NULL,
    tenant_id  TEXT NOT NULL,
    slot       INTEGER NOT NULL,
    used_at    TIMESTAMP NOT NULL,
    PRIMARY KEY (channel_id, slot)
);
CREATE INDEX throttle_slots_used ON throttle_slots (channel_id, used_at);

-- Incidents that a channel has not heard the last of, because it had its messages. As long as there is a row there is a job throttle of an
-- active channel. Whoever tells them takes the row away in the same transaction.
CREATE TABLE throttle_holds (
    channel_id  BLOB NOT NULL,
    incident_id BLOB NOT NULL,
    tenant_id   TEXT NOT NULL,
    event_seq   INTEGER NOT NULL, -- the newest event that was held back
    held_at     TIMESTAMP NOT NULL, -- since when
    look_at     TIMESTAMP NOT NULL, -- it is not looked at before
    PRIMARY KEY (channel_id, incident_id)
);
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
DROP TABLE throttle_holds;
DROP TABLE throttle_slots;
ALTER TABLE channels DROP COLUMN throttle_messages;
ALTER TABLE channels DROP COLUMN throttle_per_s;
-- +goose StatementEnd

-- +goose Up
-- +goose StatementBegin
-- Channels that tell nobody: written when one begins to fail and while it does, taken away by the first message that it takes. Whoever
-- sends writes it beside the sending, so that every process and every command can say which channels fail.
CREATE TABLE channel_troubles (
    channel_id BLOB PRIMARY KEY,
    tenant_id  TEXT NOT NULL,
    since      TIMESTAMP NOT NULL, -- the first of the tries in a row that failed
    last_at    TIMESTAMP NOT NULL,
    tries      INTEGER NOT NULL, -- that failed since
    dead       INTEGER NOT NULL, -- deliveries that were given up since
    error      TEXT NOT NULL,   -- of the last one
    until      TIMESTAMP        -- it is left alone until then
);

-- The names of channels that were deleted, for the log of what they told.
CREATE TABLE former_channels (
    channel_id BLOB PRIMARY KEY,
    tenant_id  TEXT NOT NULL,
    name       TEXT NOT NULL,
    driver     TEXT NOT NULL,
    deleted_at TIMESTAMP NOT NULL
);
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
DROP TABLE former_channels;
DROP TABLE channel_troubles;
-- +goose StatementEnd

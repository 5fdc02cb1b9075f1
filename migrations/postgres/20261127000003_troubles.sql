-- +goose Up
-- +goose StatementBegin
-- Channels that tell nobody: written when one begins to fail and while it does, taken away by the first message that it takes. Whoever
-- sends writes it beside the sending, so that every process and every command can say which channels fail.
CREATE TABLE channel_troubles (
    channel_id uuid PRIMARY KEY,
    tenant_id  text NOT NULL,
    since      timestamptz NOT NULL, -- the first of the tries in a row that failed
    last_at    timestamptz NOT NULL,
    tries      bigint NOT NULL, -- that failed since
    dead       bigint NOT NULL, -- deliveries that were given up since
    error      text NOT NULL,   -- of the last one
    until      timestamptz      -- it is left alone until then
);

-- The names of channels that were deleted, for the log of what they told.
CREATE TABLE former_channels (
    channel_id uuid PRIMARY KEY,
    tenant_id  text NOT NULL,
    name       text NOT NULL,
    driver     text NOT NULL,
    deleted_at timestamptz NOT NULL
);
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
DROP TABLE former_channels, channel_troubles;
-- +goose StatementEnd

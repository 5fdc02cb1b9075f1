-- +goose Up
-- +goose StatementBegin
-- An attempt may have arrived, whatever was answered later: who sends a dead one again by hand must mark it.
ALTER TABLE deliveries ADD COLUMN unsure boolean NOT NULL DEFAULT false;
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
ALTER TABLE deliveries DROP COLUMN unsure;
-- +goose StatementEnd

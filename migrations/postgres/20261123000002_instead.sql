-- +goose Up
-- +goose StatementBegin
-- Which delivery tells another channel what this one did not, or not in time.
ALTER TABLE deliveries ADD COLUMN instead_id uuid;
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
ALTER TABLE deliveries DROP COLUMN instead_id;
-- +goose StatementEnd

-- +goose Up
SELECT 1;
-- +goose StatementBegin
SELECT $$
-- a comment line inside a string
$$;
-- +goose StatementEnd
-- +goose Down
DROP INDEX idx_orders_user_id_ca;

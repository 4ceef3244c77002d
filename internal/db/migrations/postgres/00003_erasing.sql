-- +goose NO TRANSACTION
-- +goose Up
-- Orders that have personal data, for erasing those that are old; and those that have none any more.
create index concurrently if not exists orders_personal on orders (placed_at, id) where erased_at is null;
create index concurrently if not exists orders_erased on orders (erased_at) where erased_at is not null;

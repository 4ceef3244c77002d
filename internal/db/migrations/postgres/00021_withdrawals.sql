-- +goose NO TRANSACTION
-- +goose Up
-- Orders from which consumers have withdrawn, until that is dealt with: a filter of the list.
-- What they have stated is in the record. Without a transaction, so each statement may be repeated.
alter table orders add column if not exists withdrawn boolean not null default false;
drop index concurrently if exists orders_withdrawn;
create index concurrently orders_withdrawn on orders (placed_at, id) where withdrawn;

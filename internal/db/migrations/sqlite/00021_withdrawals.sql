-- +goose Up
-- Orders from which consumers have withdrawn, until that is dealt with: a filter of the list.
-- What they have stated is in the record.
alter table orders add column withdrawn integer not null default false;
create index orders_withdrawn on orders (placed_at, id) where withdrawn;

-- +goose Up
-- The version by which an order was priced; docs/database.md. One that an order names is kept.
alter table published add column kept boolean not null default false;
alter table approved_orders add column published integer not null default 0; -- a version; 0: not known

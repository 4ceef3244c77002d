-- +goose NO TRANSACTION
-- +goose Up
-- Authorizations by the order that their session became: its confirmation asks.
-- Without a transaction, so each statement may be repeated.
drop index concurrently if exists authorizations_order;
create index concurrently authorizations_order on authorizations (order_id) where order_id is not null;

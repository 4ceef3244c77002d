-- +goose Up
-- Authorizations by the order that their session became: its confirmation asks.
create index authorizations_order on authorizations (order_id) where order_id is not null;

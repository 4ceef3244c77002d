-- +goose Up
-- The campaigns of a purchase, JSON: what the order keeps of them when it is placed.
alter table approved_orders add column campaigns text;

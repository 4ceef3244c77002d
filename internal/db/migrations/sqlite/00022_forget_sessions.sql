-- +goose Up
-- Checkout sessions that ended without an order, by when that was: they are forgotten.
create index checkout_sessions_ended on checkout_sessions (expires_at) where status = 'expired' and order_id is null;

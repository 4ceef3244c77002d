-- +goose NO TRANSACTION
-- +goose Up
-- Checkout sessions that ended without an order, by when that was: they are forgotten.
-- Without a transaction, so each statement may be repeated.
drop index concurrently if exists checkout_sessions_ended;
create index concurrently checkout_sessions_ended on checkout_sessions (expires_at) where status = 'expired' and order_id is null;

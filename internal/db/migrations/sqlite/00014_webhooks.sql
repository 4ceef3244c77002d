-- +goose Up
-- Commands that were asked for over the API, and whose orders they are of; docs/database.md.
create table api_commands (
  id       text primary key,
  api_key  text not null, -- the name of the key that asked
  order_id text not null, -- ord_…
  made_at  bigint not null
);
create index api_commands_made on api_commands (made_at);

-- What was delivered stays where the receiver is an endpoint of webhooks.
alter table event_deliveries add column done_at bigint; -- ms; null: not delivered
create index event_deliveries_newest on event_deliveries (receiver, sequence);
-- Endpoints that are switched off.
create table webhook_endpoints (
  id     text primary key, -- in the shop file
  url    text not null, -- that was switched off; another one is on
  off_at bigint not null,
  why    text not null
);

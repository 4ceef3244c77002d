-- +goose Up
-- What a checkout session of the API is for; its lines are its cart. docs/database.md.
create table checkout_sessions (
  cart_id      text collate "C" primary key,
  reference    text collate "C" not null,   -- the merchant's
  order_number text collate "C" not null,   -- that the order will have
  status       text collate "C" not null,   -- open, placing, complete, expired
  revision     bigint not null, -- of the basket
  order_id     text collate "C",            -- ord_…, when it is complete
  record       text not null,   -- JSON with a v
  created_at   bigint not null, -- ms
  expires_at   bigint not null  -- when it is next looked at, ms
);
-- A reference whose session has expired may be used anew.
create unique index checkout_sessions_reference on checkout_sessions (reference) where status <> 'expired';
create unique index checkout_sessions_number on checkout_sessions (order_number) where status in ('open', 'placing');
create index checkout_sessions_expires on checkout_sessions (expires_at) where status in ('open', 'placing');
create index checkout_sessions_newest on checkout_sessions (reference, created_at);

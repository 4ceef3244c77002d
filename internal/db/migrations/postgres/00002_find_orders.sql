-- +goose NO TRANSACTION
-- +goose Up
-- What staff have to do or to look at, as columns, so that each is a filter; docs/database.md.
-- Without a transaction, so each statement may be repeated.
alter table orders
  add column if not exists state text not null default '',          -- Order.State
  add column if not exists rejected boolean not null default false, -- Klarna found the risk too high
  add column if not exists expiring boolean not null default false, -- within 7 days, and something can be captured
  add column if not exists to_ship boolean not null default false,  -- Order.ToShip
  add column if not exists flagged boolean not null default false,
  add column if not exists found_revision bigint not null default -1; -- of which the five above and the words are; another one: the loop renews them

-- One that was broken off is there and not used.
drop index concurrently if exists orders_rejected;
create index concurrently orders_rejected on orders (placed_at, id) where rejected;
drop index concurrently if exists orders_expiring;
create index concurrently orders_expiring on orders (placed_at, id) where expiring;
drop index concurrently if exists orders_to_ship;
create index concurrently orders_to_ship on orders (placed_at, id) where to_ship;
drop index concurrently if exists orders_flagged;
create index concurrently orders_flagged on orders (placed_at, id) where flagged;
drop index concurrently if exists orders_not_found;
create index concurrently orders_not_found on orders (id) where found_revision <> revision;
drop index concurrently if exists orders_state;
create index concurrently orders_state on orders (state, placed_at, id);
drop index concurrently if exists orders_status;
drop index concurrently if exists orders_country_state;
create index concurrently orders_country_state on orders (country, state, placed_at, id); -- both are often asked for

-- With the words, so that one order can be asked for one.
drop index concurrently if exists order_words_of;
create index concurrently order_words_of on order_words (order_id, word);
drop index concurrently if exists order_words_order;

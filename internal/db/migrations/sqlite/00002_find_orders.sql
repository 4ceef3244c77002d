-- +goose Up
-- What staff have to do or to look at, as columns, so that each is a filter; docs/database.md.
alter table orders add column state text not null default '';          -- Order.State
alter table orders add column rejected integer not null default false; -- Klarna found the risk too high
alter table orders add column expiring integer not null default false; -- within 7 days, and something can be captured
alter table orders add column to_ship integer not null default false;  -- Order.ToShip
alter table orders add column flagged integer not null default false;
alter table orders add column found_revision integer not null default -1; -- of which the five above and the words are; another one: the loop renews them

create index orders_rejected on orders (placed_at, id) where rejected;
create index orders_expiring on orders (placed_at, id) where expiring;
create index orders_to_ship on orders (placed_at, id) where to_ship;
create index orders_flagged on orders (placed_at, id) where flagged;
create index orders_not_found on orders (id) where found_revision <> revision;
create index orders_state on orders (state, placed_at, id);
drop index orders_status;
create index orders_country_state on orders (country, state, placed_at, id); -- both are often asked for

-- With the words, so that one order can be asked for one.
create index order_words_of on order_words (order_id, word);
drop index order_words_order;

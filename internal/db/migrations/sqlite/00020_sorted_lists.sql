-- +goose Up
-- Lists by amount and of some days, which SQLite would read from the orders themselves and sort.
create index orders_country_amount on orders (country, order_amount, placed_at, id);
create index orders_state_amount on orders (state, order_amount, placed_at, id);
drop index orders_placed;
create index orders_placed on orders (placed_at, id, order_amount, state);

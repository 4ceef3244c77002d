-- +goose Up
-- Times are milliseconds since 1970, amounts are minor units. Why a column is there
-- docs/database.md says.

create table orders (
  id                  text not null primary key, -- ord_…
  number              text not null unique,
  order_id            text unique,                  -- Klarna's; null where Klarna never saw it
  cart_id             text,                         -- null where Klarna did not hand it back
  reference           text,                         -- of the checkout session
  merchant_reference1 text,
  merchant_reference2 text,
  status              text not null,
  pending             integer not null,             -- Klarna is still checking the payment
  country             text not null,
  currency            text not null,
  order_amount        integer not null,
  captured_amount     integer not null,
  refunded_amount     integer not null,
  acknowledged        integer not null,
  placed_at           integer not null,
  updated_at          integer not null,
  due_at              integer,                       -- when the loop goes on with it; null: finished
  read_at             integer,                       -- when Klarna is next asked about it; null: no more
  erased_at           integer,
  revision            integer not null,
  record              text not null                 -- the whole, JSON with v
) strict;
create index orders_placed on orders (placed_at, id);
create index orders_status on orders (status, placed_at, id);
create index orders_country on orders (country, placed_at, id);
create index orders_amount on orders (order_amount, placed_at, id);
create index orders_updated on orders (updated_at, id);
create index orders_cart on orders (cart_id) where cart_id is not null;
create index orders_reference on orders (reference) where reference is not null;
create index orders_merchant_reference1 on orders (merchant_reference1) where merchant_reference1 is not null;
create index orders_merchant_reference2 on orders (merchant_reference2) where merchant_reference2 is not null;
create index orders_pending on orders (placed_at, id) where pending;
create index orders_unacknowledged on orders (placed_at) where not acknowledged;
create index orders_due on orders (due_at) where due_at is not null;
create index orders_read on orders (read_at) where read_at is not null;

-- What an order is found by, in lower case; kept in step by whoever writes the order.
create table order_words (
  word      text not null,
  placed_at integer not null,
  order_id  text not null references orders (id),
  primary key (word, placed_at, order_id)
) strict;
create index order_words_order on order_words (order_id);

create table audit (
  position    integer primary key autoincrement,
  order_id    text not null references orders (id),
  at          integer not null,
  entry       text not null -- JSON
) strict;
create index audit_order on audit (order_id, position);

create table bulk_jobs (
  id     text not null primary key,
  action text not null,
  who    text not null,
  at     integer not null,
  due_at integer             -- when the loop goes on with it; null: finished
) strict;
create index bulk_jobs_due on bulk_jobs (due_at) where due_at is not null;
create table bulk_items (
  job_id   text not null references bulk_jobs (id),
  item     integer not null, -- from 0
  order_id text not null,   -- as it was asked for; there may be no such order
  result   text,            -- null before its turn
  record   text not null,   -- JSON with v
  primary key (job_id, item)
) strict;
create index bulk_items_order on bulk_items (order_id);

-- What is known of Klarna Payments' authorizations, by session.
create table authorizations (
  session_id text not null primary key,
  token      text,             -- the newest; null when it is used or released
  at         integer,           -- when it came
  agreed     integer not null, -- the shopper has said yes
  order_id   text,             -- what the session has become
  replaced   text not null,    -- JSON array of tokens to be released
  due_at     integer,
  problem_at integer,           -- since when staff have to look it up
  touched_at integer not null   -- forgotten some time after that
) strict;
create index authorizations_due on authorizations (due_at) where due_at is not null;
create index authorizations_problem on authorizations (problem_at) where problem_at is not null;
create index authorizations_touched on authorizations (touched_at);

-- A row to lock for each cart that may be bought.
create table cart_locks (
  cart_id    text not null primary key,
  touched_at integer not null
) strict;

-- Purchases that Klarna was told to go on with.
create table approved_orders (
  order_id text not null primary key, -- KCO order, or session:<ID> of Klarna Payments
  cart_id  text not null,
  sold     integer not null,
  ending   integer not null, -- Klarna was asked to abort it
  made_at  integer not null,
  ask_at   integer,           -- when Klarna is asked whether it became a sale; null: sold
  returned integer not null, -- its stock was given back because it grew old
  lines    text not null,    -- JSON: what is being bought
  held     text,             -- JSON: the stock that is reserved for it; null: none
  body     text              -- of Klarna Payments: the order call, until it is answered
) strict;
create index approved_orders_cart on approved_orders (cart_id);
create index approved_orders_ask on approved_orders (ask_at) where ask_at is not null;
create index approved_orders_held on approved_orders (made_at) where held is not null;

-- Goods, and uses of campaigns. No row: as many as anybody likes.
create table stock (
  sku        text not null primary key,
  on_hand    integer not null,
  reserved   integer not null check (reserved >= 0),
  committed  integer not null check (committed >= 0),
  counted_at integer not null
) strict;

-- Every move: the columns above are its sums.
create table stock_moves (
  position  integer primary key autoincrement,
  sku       text not null references stock (sku),
  at        integer not null, -- when the goods moved, which may be before it was written
  kind      text not null,
  on_hand   integer not null,
  reserved  integer not null,
  committed integer not null,
  order_id  text,
  who       text not null,
  reason    text not null
) strict;
create index stock_moves_sku on stock_moves (sku, at);
create index stock_moves_order on stock_moves (order_id) where order_id is not null;

create table events (
  position integer primary key autoincrement, -- in which an order's events were written
  sequence integer unique,         -- null until it is committed and numbered
  id       text not null unique,  -- evt_…
  type     text not null,
  at       integer not null,
  subject  text not null,         -- order, session or SKU
  data     text not null          -- JSON
) strict;
create index events_new on events (position) where sequence is null;
create index events_subject on events (subject);

-- One row: events that are deleted leave their numbers taken.
create table event_numbers (
  one       integer primary key check (one = 1),
  origin    text not null,   -- of the copy of the data that was numbered last
  last      integer not null,
  forgotten integer not null  -- the last that was deleted
) strict;
insert into event_numbers (one, origin, last, forgotten) values (1, '', 0, 0);
-- Where each copy of the data before this one ended.
create table event_epochs (
  epoch integer primary key,
  ended integer not null
) strict;

package order_test

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/shopd/shopd/internal/db"
	"github.com/shopd/shopd/internal/db/dbtest"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
)

var (
	manyPostgres = flag.Int("orders.postgres", 1500, "how many orders TestManyOrders has in PostgreSQL; from 100,000 on it holds the limit of time")
	manySQLite   = flag.Int("orders.sqlite", 1500, "the same in SQLite")
)

// shelf is a book with many orders, as a shop has them, and some of them.
type shelf struct {
	*order.Book
	some   []order.Order
	newest time.Time
	bytes  int64 // of the database, an order
	few    bool
}

var (
	surnames = strings.Fields("Andersson Johansson Karlsson Nilsson Eriksson Larsson Olsson Persson Svensson Gustafsson Pettersson Jonsson Jansson Hansson Bengtsson Jönsson Lindberg Jakobsson Magnusson Lindström Olofsson Lindqvist Lindgren Berg Axelsson Bergström Lundberg Lind Lundgren Lundqvist Mattsson Berglund Fredriksson Sandberg Henriksson Forsberg Sjöberg Wallin Engström Eklund Danielsson Lundin Håkansson Björk Bergman Gunnarsson Holm Wikström Samuelsson Isaksson Fransson Bergqvist Nyström Holmberg Arvidsson Löfgren Söderberg Nyberg Blomqvist Claesson Nordström Mårtensson Lundström Eliasson Pålsson Björklund Viklund Hansen Johansen Olsen Larsen Andersen Nilsen Pedersen Kristiansen Jensen Karlsen Korhonen Virtanen Mäkinen Nieminen Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Smith Johnson Williams Brown Jones Garcia Miller Davis")
	given    = strings.Fields("Anna Eva Maria Karin Kristina Lena Sara Kerstin Emma Ingrid Malin Jenny Annika Åsa Ulla Lars Mikael Anders Johan Erik Per Peter Karl Jan Thomas Daniel Fredrik Andreas Stefan Hans Bjørn Ole Kari Liv Jukka Timo Pekka Anneli Päivi Jürgen Klaus Ursula Sabine Mary John Robert Linda Michael William")
	cities   = strings.Fields("Stockholm Göteborg Malmö Uppsala Västerås Örebro Linköping Helsingborg Jönköping Norrköping Lund Umeå Gävle Borås Södertälje Eskilstuna Halmstad Växjö Karlstad Sundsvall Oslo Bergen Trondheim Tromsø Helsinki Turku Tampere Berlin Hamburg München Köln Boston Denver Seattle")
)

// often picks from a list of which the first are the most frequent.
func often(rng *rand.Rand, list []string) string {
	return list[int(float64(len(list))*rng.Float64()*rng.Float64())]
}

// manyOrders makes the i-th newest of the orders of a shop that has 1,000 a day.
func manyOrders(rng *rand.Rand, i int, newest time.Time) order.Order {
	age := time.Duration(i) * (24 * time.Hour / 1000)
	country := countries[min(rng.IntN(9)/2, 3)]
	a := klarna.Address{
		GivenName: often(rng, given), FamilyName: often(rng, surnames), StreetAddress: fmt.Sprintf("Storgatan %d", rng.IntN(99)+1),
		PostalCode: fmt.Sprint(10000 + rng.IntN(89999)), City: often(rng, cities), Country: strings.ToLower(country), Phone: fmt.Sprintf("+467%08d", rng.IntN(1e8)),
	}
	if rng.IntN(10) == 0 { // those whom nobody else is called
		a.FamilyName = a.FamilyName[:2] + strings.ToLower(code(rng.IntN(1<<30), 6))
	}
	a.Email = fmt.Sprintf("%s.%s%d@example.%s", strings.ToLower(a.GivenName), strings.ToLower(a.FamilyName), rng.IntN(1000), a.Country)
	number := code(i+1<<20, 8)
	o := order.Order{
		Version: 1, ID: "ord_" + code(rng.Int(), 13) + code(rng.Int(), 13), Number: "SK-" + number[:4] + "-" + number[4:], Key: code(rng.Int(), 13) + code(rng.Int(), 13),
		OrderID: uuidOf(rng), CartID: code(rng.Int(), 13) + code(rng.Int(), 13), PlacedAt: newest.Add(-age), PurchaseCountry: country, PurchaseCurrency: currencies[country],
		Locale: "sv-SE", KlarnaReference: "K" + code(i+1<<20, 7), BillingAddress: a, ShippingAddress: a, Acknowledged: true, CartClosed: true, Revision: 3,
		PaymentMethod: ordermanagement.PaymentMethod{Type: "INVOICE", Description: "Pay later"}, ExpiresAt: newest.AddDate(0, 0, 28).Add(-age),
		Status: ordermanagement.Captured, FraudStatus: ordermanagement.FraudAccepted, MerchantReference1: "SK-" + number[:4] + "-" + number[4:],
	}
	for range 1 + rng.IntN(3) {
		n := int64(1 + rng.IntN(3))
		sku := fmt.Sprintf("ART-%d", 1000+int(900*rng.Float64()*rng.Float64()))
		o.OrderLines = append(o.OrderLines, klarna.OrderLine{
			Type: klarna.Physical, Reference: sku, Name: "Enamel mug, 350 ml", Quantity: n, UnitPrice: 14900, TaxRate: 2500, TotalAmount: money.Amount(n * 14900), TotalTaxAmount: money.Amount(n * 2980),
			ProductURL: "https://shop.example/products/" + sku, ImageURL: "https://shop.example/static/0123456789abcdef/pictures/" + sku + ".svg",
		})
	}
	fee := money.Amount(100 * rng.IntN(500))
	o.OrderLines = append(o.OrderLines, klarna.OrderLine{Type: klarna.ShippingFee, Reference: "post", Name: "Home, 3 to 5 days", Quantity: 1, UnitPrice: fee, TaxRate: 2500, TotalAmount: fee, TotalTaxAmount: fee / 5})
	o.OrderAmount, o.OrderTaxAmount, _ = klarna.Sums(o.OrderLines)
	o.OriginalOrderAmount, o.CapturedAmount = o.OrderAmount, o.OrderAmount
	if rng.IntN(3) == 0 {
		o.MerchantReference2 = fmt.Sprintf("ERP-2026/%06d", i)
	}
	dice := rng.IntN(1000)
	switch {
	case dice < 30:
		o.Status = ordermanagement.Cancelled
	case dice < 33:
		o.FraudStatus, o.Status = ordermanagement.FraudRejected, ordermanagement.Cancelled
	case dice < 40 && age > 28*24*time.Hour:
		o.Status = ordermanagement.Expired
	case age < 3*24*time.Hour || dice < 60 && age < 28*24*time.Hour:
		o.Status, o.Expiring = ordermanagement.Authorized, age > 21*24*time.Hour
		if dice%50 == 9 && age < 24*time.Hour {
			o.FraudStatus = ordermanagement.FraudPending
		}
	}
	if dice%400 == 5 {
		o.Flags = []order.Flag{order.Oversold}
	}
	if o.Status == ordermanagement.Captured {
		at := ordermanagement.Time{Time: o.PlacedAt.Add(24 * time.Hour)}
		o.Captures = []ordermanagement.Capture{{CaptureID: uuidOf(rng), KlarnaReference: o.KlarnaReference + "-1", CapturedAmount: o.OrderAmount, CapturedAt: at, OrderLines: o.OrderLines}}
		if dice%50 != 7 {
			o.Ship([]order.Shipment{{Carrier: "PostNord", TrackingNumber: fmt.Sprintf("PN%09dSE", i)}}, o.Captures[0].CaptureID, at.Time)
		}
		if dice%20 == 3 {
			o.RefundedAmount = o.OrderAmount
			o.Refunds = []ordermanagement.Refund{{RefundID: uuidOf(rng), RefundedAmount: o.OrderAmount, RefundedAt: at, OrderLines: o.OrderLines}}
		}
	} else {
		o.CapturedAmount, o.RemainingAuthorizedAmount = 0, o.OrderAmount
	}
	return o
}

func uuidOf(rng *rand.Rand) string {
	var id uuid.UUID
	for i := range id {
		id[i] = byte(rng.Uint32())
	}
	return id.String()
}

// newShelf fills a database with n orders, the oldest first.
func newShelf(t *testing.T, d *db.DB, n int) *shelf {
	t.Helper()
	s := &shelf{Book: &order.Book{DB: d}, few: n < 20_000, newest: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)}
	before, start := s.size(t), time.Now()
	rng := rand.New(rand.NewPCG(uint64(n), 3))
	indexes := s.dropIndexes(t) // made at once, they take a tenth of the time
	for left := n; left > 0; {
		var rows, words [][]any
		var columns []string
		for range min(left, 2000) {
			left--
			o := manyOrders(rng, left, s.newest)
			if n < 1000 || left%(n/1000) == 0 {
				s.some = append(s.some, o)
			}
			names, row, its, err := o.Rows(s.newest)
			if err != nil {
				t.Fatal(err)
			}
			columns, rows, words = names, append(rows, row), append(words, its...)
		}
		if err := errors.Join(insert(t.Context(), d, "orders", columns, rows), insert(t.Context(), d, "order_words", []string{"word", "placed_at", "order_id"}, words)); err != nil {
			t.Fatal(err)
		}
	}
	for _, definition := range indexes {
		if _, err := d.Read.ExecContext(t.Context(), definition); err != nil {
			t.Fatal(err)
		}
	}
	s.bytes = (s.size(t) - before) / int64(n)
	if d.Engine == db.Postgres { // as its autovacuum does within minutes, which would disturb the measuring
		if _, err := d.Read.ExecContext(t.Context(), "vacuum analyze"); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%s: %d orders in %v, %d bytes each", d.Engine, n, time.Since(start).Round(time.Second), s.bytes)
	return s
}

func insert(ctx context.Context, d *db.DB, table string, columns []string, rows [][]any) error {
	if d.Engine == db.Postgres {
		conn, err := d.Read.Conn(ctx)
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close() }()
		if _, err := conn.ExecContext(ctx, "set session_replication_role = replica"); err != nil { // no looking up of what refers to what
			return err
		}
		return conn.Raw(func(driver any) error {
			_, err := driver.(*stdlib.Conn).Conn().CopyFrom(ctx, pgx.Identifier{table}, columns, pgx.CopyFromRows(rows))
			return err
		})
	}
	return d.Tx(ctx, func(tx *sql.Tx) error {
		into, err := tx.PrepareContext(ctx, "insert into "+table+" ("+strings.Join(columns, ", ")+") values (?"+strings.Repeat(", ?", len(columns)-1)+")")
		for _, row := range rows {
			if err == nil {
				_, err = into.ExecContext(ctx, row...)
			}
		}
		return err
	})
}

// dropIndexes drops the large indexes of PostgreSQL and returns what makes them again.
func (s *shelf) dropIndexes(t *testing.T) (definitions []string) {
	t.Helper()
	if s.DB.Engine != db.Postgres {
		return nil
	}
	names, err := db.All(t.Context(), s.DB.Read, func(rows *sql.Rows) (name string, err error) {
		var definition string
		err = rows.Scan(&name, &definition)
		definitions = append(definitions, definition)
		return name, err
	}, "select indexname, indexdef from pg_indexes where tablename in ('orders', 'order_words') and indexdef not like '%UNIQUE%'")
	statements := []string{"alter table order_words drop constraint order_words_pkey"}
	for _, name := range names {
		statements = append(statements, "drop index "+name)
	}
	for _, statement := range statements {
		if err == nil {
			_, err = s.DB.Read.ExecContext(t.Context(), statement)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return append(definitions, "alter table order_words add primary key (word, placed_at, order_id)")
}

// size is that of the database in bytes.
func (s *shelf) size(t *testing.T) (n int64) {
	t.Helper()
	query := "select page_count * page_size from pragma_page_count, pragma_page_size"
	if s.DB.Engine == db.Postgres {
		query = "select pg_database_size(current_database())"
	}
	if err := s.DB.Read.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// operations are what staff do with a book.
func operations() (list []operation) {
	add := func(name string, of func(s *shelf, o order.Order) order.Query, some bool) {
		list = append(list, operation{name, some, func(t *testing.T, s *shelf, o order.Order) int {
			t.Helper()
			page, err := s.List(t.Context(), of(s, o))
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			return len(page.Orders)
		}})
	}
	as := func(name string, q order.Query) {
		add(name, func(*shelf, order.Order) order.Query { return q }, true)
	}
	text := func(name string, of func(o order.Order) string) {
		add("search: "+name, func(_ *shelf, o order.Order) order.Query { return order.Query{Text: of(o)} }, true)
	}
	as("first page", order.Query{})
	add("deep page", func(s *shelf, o order.Order) order.Query {
		return order.Query{Cursor: fmt.Sprintf("n%013d:", o.PlacedAt.UnixMilli())}
	}, false)
	filters := map[string]order.Query{
		"open": {State: order.StateOpen}, "captured": {State: order.StateCaptured}, "expired": {State: order.StateExpired},
		"part captured, of which there is none": {State: order.StatePartCaptured}, "country": {Country: "NO"}, "being checked": {Risk: ordermanagement.FraudPending},
		"rejected": {Risk: ordermanagement.FraudRejected}, "accepted": {Risk: ordermanagement.FraudAccepted}, "expiring": {Expiring: true}, "to ship": {ToShip: true}, "flagged": {Flagged: true},
		"country and cancelled": {Country: "NO", State: order.StateCancelled}, "country and open": {Country: "US", State: order.StateOpen},
		"two that exclude each other": {Expiring: true, State: order.StateCaptured}, "flagged and to ship": {Flagged: true, ToShip: true},
	}
	for name, q := range filters {
		some := !strings.Contains(name, "none") && !strings.Contains(name, "exclude")
		for _, sort := range []order.Sort{order.ByPlaced, order.ByAmount, order.ByStatus} {
			q := q
			q.Sort = sort
			add("filter: "+name+strings.TrimRight(", by "+string(sort), " by,"), func(*shelf, order.Order) order.Query { return q }, some && name != "being checked" && !strings.Contains(name, " and "))
		}
	}
	for _, sort := range []order.Sort{order.ByAmount, order.ByStatus} {
		as("first page, by "+string(sort), order.Query{Sort: sort})
		as("first page, backwards by "+string(sort), order.Query{Sort: sort, Ascending: true})
		add("deep page, by "+string(sort), func(s *shelf, o order.Order) order.Query {
			key := fmt.Sprint(int64(o.OrderAmount))
			if sort == order.ByStatus {
				key = string(o.State())
			}
			return order.Query{Sort: sort, Cursor: fmt.Sprintf("n%013d::%s", o.PlacedAt.UnixMilli(), key)}
		}, false)
		add("a month, by "+string(sort), func(s *shelf, o order.Order) order.Query {
			return order.Query{Sort: sort, PlacedAfter: o.PlacedAt, PlacedBefore: o.PlacedAt.AddDate(0, 1, 0)}
		}, true)
	}
	add("a month", func(s *shelf, o order.Order) order.Query {
		return order.Query{PlacedAfter: o.PlacedAt, PlacedBefore: o.PlacedAt.AddDate(0, 1, 0)}
	}, true)
	add("a month, country and cancelled", func(s *shelf, o order.Order) order.Query {
		return order.Query{PlacedAfter: o.PlacedAt, PlacedBefore: o.PlacedAt.AddDate(0, 1, 0), Country: "FI", State: order.StateCancelled}
	}, false)
	text("number", func(o order.Order) string { return o.Number })
	text("Klarna's reference", func(o order.Order) string { return o.KlarnaReference })
	text("order ID", func(o order.Order) string { return o.OrderID })
	text("e-mail", func(o order.Order) string { return o.BillingAddress.Email })
	text("beginning of an e-mail", func(o order.Order) string { email, _, _ := strings.Cut(o.BillingAddress.Email, "@"); return email })
	text("surname", func(o order.Order) string { return o.BillingAddress.FamilyName })
	text("three letters of a surname", func(o order.Order) string { return string([]rune(o.BillingAddress.FamilyName)[:3]) })
	text("the most frequent surname", func(order.Order) string { return "andersson" })
	text("first name and surname", func(o order.Order) string { return o.BillingAddress.GivenName + " " + o.BillingAddress.FamilyName })
	text("the most frequent of both", func(order.Order) string { return "Anna Andersson" })
	text("surname and city", func(o order.Order) string { return o.BillingAddress.FamilyName + " " + o.BillingAddress.City })
	text("phone", func(o order.Order) string {
		p := o.BillingAddress.Phone
		return "0" + p[3:5] + "-" + p[5:8] + " " + p[8:10] + " " + p[10:]
	})
	text("beginning of a phone number", func(o order.Order) string { p := o.BillingAddress.Phone; return "0" + p[3:5] + "-" + p[5:8] })
	text("city", func(o order.Order) string { return o.BillingAddress.City })
	text("postal code", func(o order.Order) string { return o.BillingAddress.PostalCode })
	text("three digits", func(o order.Order) string { return o.BillingAddress.PostalCode[:3] })
	text("SKU", func(o order.Order) string { return o.OrderLines[0].Reference })
	text("beginning of every SKU", func(order.Order) string { return "art" })
	text("SKU and surname", func(o order.Order) string { return o.OrderLines[0].Reference + " " + o.BillingAddress.FamilyName })
	add("search: tracking number", func(_ *shelf, o order.Order) order.Query {
		if len(o.Shipments) == 0 {
			return order.Query{Text: "PN000000001SE"}
		}
		return order.Query{Text: o.Shipments[0].TrackingNumber}
	}, false)
	add("search: reference of the merchant's", func(_ *shelf, o order.Order) order.Query {
		return order.Query{Text: "ERP-2026/" + o.Number[3:]}
	}, false)
	text("beginning of the merchant's references", func(order.Order) string { return "ERP-2026" })
	text("amount", func(o order.Order) string { return o.OrderAmount.Decimal() })
	add("search: nobody", func(*shelf, order.Order) order.Query { return order.Query{Text: "Rumpelstilzchen"} }, false)
	for _, q := range []order.Query{{State: order.StateCancelled}, {ToShip: true}, {Country: "FI"}, {Sort: order.ByAmount}, {Sort: order.ByStatus}} {
		add(fmt.Sprintf("search: surname, with %s%s%s %v", q.State, q.Country, q.Sort, q.ToShip), func(_ *shelf, o order.Order) order.Query {
			q := q
			q.Text = o.BillingAddress.FamilyName
			return q
		}, false)
	}
	list = append(list, operation{"one order", true, func(t *testing.T, s *shelf, o order.Order) int {
		t.Helper()
		if got, found, err := s.ByNumber(t.Context(), o.Number); err != nil || !found || got.OrderID != o.OrderID {
			t.Fatal(found, err)
		}
		return 1
	}}, operation{"export of a day, the first 200 of 1,000 orders", true, func(t *testing.T, s *shelf, o order.Order) (n int) {
		t.Helper()
		from := o.PlacedAt.Truncate(24 * time.Hour)
		if err := s.Each(t.Context(), order.Query{PlacedAfter: from, PlacedBefore: from.AddDate(0, 0, 1)}, func(order.Order) error {
			if n++; n == 200 {
				return errEnough
			}
			return nil
		}); err != nil && !errors.Is(err, errEnough) {
			t.Fatal(err)
		}
		return n
	}})
	return list
}

var errEnough = errors.New("enough")

type operation struct {
	name string
	some bool // finds something
	do   func(*testing.T, *shelf, order.Order) (found int)
}

// times are the median and the longest of an operation.
func (s *shelf) times(t *testing.T, op operation) (median, longest time.Duration) {
	t.Helper()
	var took []time.Duration
	runs := 15
	if !measured() { // nothing is held but that they work
		runs = 1
	}
	for i := range runs {
		o := s.some[(i*7919+11)%len(s.some)]
		start := time.Now()
		n := op.do(t, s, o)
		took = append(took, time.Since(start))
		if op.some && n == 0 && len(s.some) >= 1000 && !s.few {
			t.Errorf("%s found nothing", op.name)
		}
	}
	slices.Sort(took)
	return took[len(took)/2], took[len(took)-1]
}

// measured reports whether there are so many orders that the limit of time holds.
func measured() bool { return max(*manyPostgres, *manySQLite) >= 100_000 }

// most is how long nothing that staff do may take, however many orders there are: the median, for one run in a while
// waits for the disk.
const most = 100 * time.Millisecond

// With very many orders the book is as quick as with few. With 1,000,000 in PostgreSQL
// and 100,000 in SQLite it is make bench-orders, whose figures are in docs/operations.md.
func TestManyOrders(t *testing.T) {
	for _, engine := range []db.Engine{db.Postgres, db.SQLite} {
		t.Run(string(engine), func(t *testing.T) {
			var few *shelf // nil where nothing is measured
			var url string
			open, n := func() *db.DB { return dbtest.SQLite(t) }, *manySQLite
			if engine == db.Postgres {
				server := dbtest.StartServer(t, "shared_buffers=512MB", "maintenance_work_mem=256MB", "autovacuum=off", "max_wal_size=1GB", "wal_level=minimal", "max_wal_senders=0")
				server.Exec("alter role shop superuser")
				n, open = *manyPostgres, func() *db.DB {
					url = server.Database()
					return dbtest.Open(t, db.Config{URL: url, Statement: time.Hour})
				}
			}
			if measured() {
				few = newShelf(t, open(), 1000)
			}
			many := newShelf(t, open(), n)
			for _, op := range operations() {
				large, longest := many.times(t, op)
				if few == nil {
					continue
				}
				small, _ := few.times(t, op)
				t.Logf("%-60s %7.2f ms, with 1,000 %6.2f ms, %5.1f times; longest %7.2f ms", op.name, ms(large), ms(small), float64(large)/float64(small), ms(longest))
				if large > most {
					t.Errorf("%s takes %v", op.name, large)
				}
			}
			exportMemory(t, many)
			if engine == db.Postgres && measured() {
				backUp(t, url)
			}
		})
	}
}

// backUp says how long pg_dump takes, and how large its file is.
func backUp(t *testing.T, url string) {
	t.Helper()
	program, err := dbtest.Program("pg_dump")
	if err != nil {
		t.Fatal(err)
	}
	file, start := t.TempDir()+"/dump", time.Now()
	if out, err := exec.CommandContext(t.Context(), program, "--format=custom", "--file="+file, url).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("pg_dump takes %v and makes %d MB", time.Since(start).Round(time.Second), info.Size()/1e6)
}

// exportMemory holds that an export keeps no more in memory the longer it lasts: what is in
// use, after a collection, while the first and the last of up to 50,000 orders are handed over.
func exportMemory(t *testing.T, s *shelf) {
	t.Helper()
	var first, most uint64
	exported := 0
	if err := s.Each(t.Context(), order.Query{}, func(order.Order) error {
		if exported++; exported%1000 == 100 { // in the middle of what was read at once
			var m runtime.MemStats
			runtime.GC()
			runtime.GC() // also what the first one has put aside
			runtime.ReadMemStats(&m)
			first, most = cmp.Or(first, m.HeapAlloc), max(most, m.HeapAlloc)
		}
		if exported == 50_000 {
			return errEnough
		}
		return nil
	}); err != nil && !errors.Is(err, errEnough) {
		t.Fatal(err)
	}
	t.Logf("an export of %d orders: %d kB in use at its beginning, at most %d kB", exported, first/1000, most/1000)
	if most > first+2e6 {
		t.Error("it keeps what it has handed over")
	}
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

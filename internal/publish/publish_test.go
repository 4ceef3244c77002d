package publish_test

import (
	"bytes"
	"database/sql"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/shopd/shopd/examples/skerry"
	"github.com/shopd/shopd/internal/db"
	"github.com/shopd/shopd/internal/db/dbtest"
	"github.com/shopd/shopd/internal/publish"
	"github.com/shopd/shopd/internal/stock"
)

func publisher(d *db.DB) publish.Publisher {
	return publish.Publisher{DB: d, Stock: &stock.Store{DB: d}}
}

// goods is the demo's catalogue with another price of the mug.
func goods(name, price string) *publish.File {
	_, f := skerry.Files()
	text := strings.Replace(string(f.Content), "14900", price, 1)
	return &publish.File{Name: name, Content: []byte(text)}
}

func mug(t *testing.T, v *publish.Version) int64 {
	t.Helper()
	p, known := v.Catalog.Product("MUG-1")
	if !known {
		t.Fatal("there is no mug")
	}
	price, _ := p.Price("SEK")
	return int64(price)
}

// Each publish is a version, each process reads the newest, and what is old comes back
// only when somebody says so.
func TestPublish(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx, p := t.Context(), publisher(d)
		if _, err := publish.Open(ctx, d, slog.New(slog.DiscardHandler)); !errors.Is(err, publish.ErrNothing) {
			t.Fatalf("nothing is published: %v", err)
		}
		if _, err := p.Publish(ctx, nil, goods("a", "14900")); !errors.Is(err, publish.ErrNothing) {
			t.Fatalf("a catalogue without a shop: %v", err)
		}
		shop, first := skerry.Files()
		if _, err := p.Publish(ctx, shop, nil); !errors.Is(err, publish.ErrNoCatalog) {
			t.Fatalf("a shop without a catalogue: %v", err)
		}
		for _, step := range []struct {
			name    string
			do      func() (*publish.Version, error)
			version int64
			price   int64
		}{
			{"both", func() (*publish.Version, error) { return p.PublishNew(ctx, shop, first) }, 1, 14900},
			{"the same again", func() (*publish.Version, error) { return p.Publish(ctx, shop, first) }, 1, 14900},
			{"at start again", func() (*publish.Version, error) { return p.PublishNew(ctx, shop, first) }, 1, 14900},
			{"another price", func() (*publish.Version, error) { return p.Publish(ctx, nil, goods("a", "15900")) }, 2, 15900},
			{"an old process starts again", func() (*publish.Version, error) { return p.PublishNew(ctx, shop, first) }, 2, 15900},
			{"its file is new", func() (*publish.Version, error) { return p.PublishNew(ctx, shop, goods(first.Name, "16900")) }, 3, 16900},
			{"another file with what is old", func() (*publish.Version, error) { return p.PublishNew(ctx, nil, goods("b", "15900")) }, 4, 15900},
			{"back", func() (*publish.Version, error) { return p.Back(ctx, 1) }, 5, 14900},
		} {
			v, err := step.do()
			if err != nil {
				t.Fatalf("%s: %v", step.name, err)
			}
			if v.Number != step.version || mug(t, v) != step.price {
				t.Errorf("%s: version %d with %d, want %d with %d", step.name, v.Number, mug(t, v), step.version, step.price)
			}
			now, err := publish.Open(ctx, d, slog.New(slog.DiscardHandler))
			if err != nil || now.Now().Number != step.version || mug(t, now.Now()) != step.price {
				t.Errorf("%s: a process has %d, %v", step.name, now.Now().Number, err)
			}
		}
		// What was given up is not new either where the same file has another name.
		for _, name := range []string{"b", "/etc/shopd/catalog.yaml"} {
			if v, err := p.PublishNew(ctx, shop, goods(name, "15900")); err != nil || v.Number != 5 {
				t.Errorf("a process starts with what was given up, as %s: version %d, %v", name, v.Number, err)
			}
		}
		if _, err := p.Back(ctx, 99); !errors.Is(err, publish.ErrNoVersion) {
			t.Errorf("back to nothing: %v", err)
		}
		if _, err := p.Publish(ctx, nil, &publish.File{Content: []byte(`{"products": 1}`)}); err == nil || !strings.Contains(err.Error(), "line 1: products") {
			t.Errorf("a wrong catalogue: %v", err)
		}
		entries, err := p.List(ctx)
		if err != nil || len(entries) != 5 || entries[0].Number != 5 || entries[0].BackTo != 1 || entries[4].BackTo != 0 || entries[0].Catalog != entries[4].Catalog {
			t.Errorf("the list is %+v, %v", entries, err)
		}
		for _, expected := range []int64{4, 6} {
			if _, err := p.PublishCatalog(ctx, *goods("a", "17900"), expected, false); !errors.Is(err, publish.ErrStale) {
				t.Errorf("on top of version %d, where 5 is the newest: %v", expected, err)
			}
		}
		if v, err := p.PublishCatalog(ctx, *goods("a", "17900"), 5, true); err != nil || mug(t, v) != 17900 {
			t.Errorf("a dry run on top of the newest: %v", err)
		}
		if v, err := p.PublishCatalog(ctx, *goods("a", "17900"), 5, false); err != nil || v.Number != 6 || mug(t, v) != 17900 {
			t.Errorf("on top of the newest: %v", err)
		}
		levels, err := (&stock.Store{DB: d}).Levels(ctx)
		if err != nil || levels["MUG-1"] != 240 {
			t.Errorf("the stock of the mug is %d, %v", levels["MUG-1"], err)
		}
	})
}

// A picture that is not built in is not published. Where one was built in once, the shop goes on.
func TestPublishedPicture(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx, p := t.Context(), publisher(d)
		shop, first := skerry.Files()
		if _, err := p.Publish(ctx, shop, first); err != nil {
			t.Fatal(err)
		}
		gone := bytes.ReplaceAll(first.Content, []byte("MUG-1.svg"), []byte("gone.svg"))
		if _, err := p.Publish(ctx, nil, &publish.File{Content: gone}); err == nil || !strings.Contains(err.Error(), `no built-in picture "gone.svg"`) {
			t.Errorf("a picture that there is not: %v", err)
		}
		if err := d.Tx(ctx, func(tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, "update published_contents set content = $1 where content = $2", gone, first.Content)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		now, err := publish.Open(ctx, d, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		if p, _ := now.Now().Catalog.Product("MUG-1"); p.Picture() != "gone.svg" {
			t.Errorf("the picture is %s", p.Picture())
		}
		other := &publish.File{Content: bytes.Replace(shop.Content, []byte("{"), []byte("{ "), 1)}
		if _, err := p.Publish(ctx, other, nil); err != nil {
			t.Errorf("the shop file alone: %v", err)
		}
		if _, err := p.Back(ctx, 1); err != nil {
			t.Errorf("back: %v", err)
		}
	})
}

// A process reads what another one has published: within a second, or at once where a
// cart was priced by it.
func TestFollow(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx, p := t.Context(), publisher(d)
		if _, err := p.Publish(ctx, first(skerry.Files()), goods("a", "14900")); err != nil {
			t.Fatal(err)
		}
		reaching, err := publish.Open(ctx, d, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		following, err := publish.Open(ctx, d, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		go following.Run(ctx)
		if _, err := p.Publish(ctx, nil, goods("a", "15900")); err != nil {
			t.Fatal(err)
		}
		if err := reaching.Reach(ctx, 1); err != nil || reaching.Now().Number != 1 {
			t.Errorf("reached 1: %d, %v", reaching.Now().Number, err)
		}
		if err := reaching.Reach(ctx, 2); err != nil || reaching.Now().Number != 2 {
			t.Errorf("reached 2: %d, %v", reaching.Now().Number, err)
		}
		if err := reaching.Reach(ctx, 9); err != nil || reaching.Now().Number != 2 {
			t.Errorf("a number that was never published: %d, %v", reaching.Now().Number, err)
		}
		for start := time.Now(); following.Now().Number != 2; time.Sleep(10 * time.Millisecond) {
			if time.Since(start) > 5*time.Second {
				t.Fatal("it does not follow")
			}
		}
	})
}

func first[A, B any](a A, _ B) A { return a }

// Many publish at once: each becomes a version of its own, on top of the one before.
func TestPublishAtOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		p := publisher(d)
		if _, err := p.Publish(t.Context(), first(skerry.Files()), goods("a", "14900")); err != nil {
			t.Fatal(err)
		}
		const writers = 4
		done := make(chan error, writers)
		for i := range writers {
			go func() {
				_, err := p.Publish(t.Context(), nil, goods("a", []string{"10000", "11000", "12000", "13000"}[i]))
				done <- err
			}()
		}
		for range writers {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		entries, err := p.List(t.Context())
		if err != nil || len(entries) != writers+1 || entries[0].Number != writers+1 {
			t.Errorf("%d versions: %+v, %v", len(entries), entries, err)
		}
	})
}

// How often a campaign can be used follows what is published, also back, less what was used.
func TestPublishUses(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		p := publisher(d)
		with := func(uses string) *publish.File {
			source, _ := skerry.Sources()
			source.File = []byte(strings.Replace(string(source.File), "{id: fog, code: FOG10, percent: 10}", "{id: fog, code: FOG10, percent: 10"+uses+"}", 1))
			return publish.ShopFile("uses"+uses, source)
		}
		_, goods := skerry.Files()
		left := func(want int) {
			t.Helper()
			got, err := p.Stock.Left(t.Context(), "campaign:fog")
			if n, counted := got["campaign:fog"]; err != nil || n != want || counted != (want != 0) {
				t.Errorf("%d are left, counted %t, %v, want %d", n, counted, err, want)
			}
			dbtest.StockAdds(t, d)
		}
		put := func(f *publish.File) {
			t.Helper()
			if _, err := p.Publish(t.Context(), f, goods); err != nil {
				t.Fatal(err)
			}
		}
		put(with(""))
		left(0)
		put(with(", uses: 1000"))
		left(1000)
		if err := d.Tx(t.Context(), func(tx *sql.Tx) error {
			return p.Stock.Reserve(t.Context(), tx, stock.Approved{CartID: "c", OrderID: "o", Lines: []stock.Line{{SKU: "campaign:fog", Quantity: 1}}})
		}); err != nil {
			t.Fatal(err)
		}
		put(with(", uses: 400"))
		left(399)
		if _, err := p.Back(t.Context(), 2); err != nil {
			t.Fatal(err)
		}
		left(999)
	})
}

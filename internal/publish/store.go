package publish

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/go-json-experiment/json/v1"

	"github.com/shopd/shopd/internal/catalog"
	"github.com/shopd/shopd/internal/db"
	"github.com/shopd/shopd/internal/settings"
	"github.com/shopd/shopd/internal/stock"
)

// Kept is how long a version that is not the newest is kept at least: longer than any cart. One
// that an order names is kept for ever, see Keep.
const Kept = 40 * 24 * time.Hour

// keptNumbers are the newest versions, which are kept however old they are.
const keptNumbers = 20

// Why nothing is published.
var (
	// ErrNothing: no shop file was ever published.
	ErrNothing = errors.New("no shop is published yet: publish one with `shopd publish -shop FILE -catalog FILE`, or name both to serve")
	// ErrNoCatalog: a shop file with a storefront, and no catalogue.
	ErrNoCatalog = errors.New("the shop has a storefront and no catalogue is published yet: name one with -catalog")
	// ErrNoVersion: there is no such version, or not any more.
	ErrNoVersion = errors.New("no such version")
)

// File is a file to be published, with its name as the operator gives it.
type File struct {
	Name    string
	Content []byte
}

// LoadShop reads a shop file with all that it names, to be published.
func LoadShop(path string) (*File, error) {
	source, err := settings.Load(path)
	if err != nil {
		return nil, err
	}
	return ShopFile(path, source), nil
}

// ShopFile is a shop file with all that it names, to be published.
func ShopFile(name string, s settings.Source) *File {
	content, _ := json.Marshal(s) // cannot fail
	return &File{Name: name, Content: content}
}

func (f File) hash() string {
	sum := sha256.Sum256(f.Content)
	return hex.EncodeToString(sum[:])
}

// Entry is a version in the list of them.
type Entry struct {
	Number      int64
	PublishedAt time.Time
	// Shop and Catalog are the beginnings of the hashes of their contents.
	Shop, Catalog string
	BackTo        int64 // the version whose contents it has again; 0: they were new
}

// Publisher puts versions into the database.
type Publisher struct {
	DB    *db.DB
	Stock *stock.Store // begins to count what is new
}

// Publish checks and publishes a shop file, a catalogue or both; nil keeps the newest one.
// What is equal to the newest version is not published again. The error has all that is
// wrong with the files.
func (p *Publisher) Publish(ctx context.Context, shop, goods *File) (*Version, error) {
	return p.publish(ctx, func(head) (*File, *File, error) { return shop, goods, nil })
}

// PublishNew is Publish for files that are named at start: it publishes only what was never
// published from a file of that name, nor given up by Back. Without anything new it returns the newest version.
func (p *Publisher) PublishNew(ctx context.Context, shop, goods *File) (*Version, error) {
	return p.publish(ctx, func(newest head) (newShop, newGoods *File, err error) {
		if newShop, err = p.unseen(ctx, shop, newest.shop); err != nil {
			return nil, nil, err
		}
		newGoods, err = p.unseen(ctx, goods, newest.catalog)
		return newShop, newGoods, err
	})
}

// anyName stands in published_files for every name.
const anyName = ""

// unseen returns a file if its content was never published from a file of its name, nor given up
// by going back. The first content of all is always new.
func (p *Publisher) unseen(ctx context.Context, f *File, newest string) (*File, error) {
	if f == nil || newest == "" {
		return f, nil
	}
	var seen bool
	err := p.DB.Read.QueryRowContext(ctx, "select exists (select 1 from published_files where name in ($1, $3) and hash = $2)", f.Name, f.hash(), anyName).Scan(&seen)
	if err != nil || seen {
		return nil, err
	}
	return f, nil
}

// head is a version as the database has it.
type head struct {
	number        int64
	shop, catalog string // hashes
}

// same reports whether two have the same contents.
func (h head) same(other head) bool { return h.shop == other.shop && h.catalog == other.catalog }

func newest(ctx context.Context, q db.Queryer) (h head, err error) {
	err = q.QueryRowContext(ctx, "select number, shop, catalog from published order by number desc limit 1").Scan(&h.number, &h.shop, &h.catalog)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return h, err
}

// numbered returns the version of a number. The error is ErrNoVersion without it.
func numbered(ctx context.Context, q db.Queryer, number int64) (head, error) {
	h := head{number: number}
	err := q.QueryRowContext(ctx, "select shop, catalog from published where number = $1", number).Scan(&h.shop, &h.catalog)
	if errors.Is(err, sql.ErrNoRows) {
		err = fmt.Errorf("%w: %d", ErrNoVersion, number)
	}
	return h, err
}

// tries is how often a publish starts again because another one was faster.
const tries = 5

// errFaster: another publish took the number.
var errFaster = errors.New("another publish was faster")

// publish publishes the files that choose returns, on top of the newest version.
func (p *Publisher) publish(ctx context.Context, choose func(head) (shop, goods *File, err error)) (*Version, error) {
	return p.onTop(ctx, func(before head) (*Version, error) {
		shop, goods, err := choose(before)
		if err != nil {
			return nil, fmt.Errorf("read what is published: %w", err)
		}
		return p.put(ctx, before, shop, goods)
	})
}

// onTop publishes something on top of the newest version. When another publish is
// faster it starts again on top of that one.
func (p *Publisher) onTop(ctx context.Context, publish func(before head) (*Version, error)) (*Version, error) {
	for range tries {
		before, err := newest(ctx, p.DB.Read)
		if err != nil {
			return nil, fmt.Errorf("read what is published: %w", err)
		}
		v, err := publish(before)
		if !errors.Is(err, errFaster) {
			return v, err
		}
	}
	return nil, errFaster
}

// put publishes files on top of a version.
func (p *Publisher) put(ctx context.Context, before head, shop, goods *File) (*Version, error) {
	next := before
	if shop != nil {
		next.shop = shop.hash()
	}
	if goods != nil {
		next.catalog = goods.hash()
	}
	if shop == nil && before.shop == "" {
		return nil, ErrNothing
	}
	contents := map[string][]byte{noCatalog: nil}
	for _, f := range []*File{shop, goods} {
		if f != nil {
			contents[f.hash()] = f.Content
		}
	}
	next.catalog = cmp.Or(next.catalog, noCatalog)
	next.number++
	v, err := read(ctx, p.DB, next, contents)
	if err != nil {
		return nil, err
	}
	if next.same(before) {
		v.Number = before.number
	}
	return v, p.DB.Tx(ctx, func(tx *sql.Tx) error {
		now, err := newest(ctx, tx)
		if err != nil {
			return err
		}
		if now != before {
			return errFaster
		}
		if !next.same(before) {
			if err := insert(ctx, tx, next, contents, 0); err != nil {
				return err
			}
			if err := p.count(ctx, tx, v); err != nil {
				return err
			}
		}
		return remember(ctx, tx, shop, goods)
	})
}

// noCatalog is the hash of nothing: the catalogue of a shop without a storefront.
var noCatalog = File{}.hash()

// insert writes a version and the contents that are not there yet.
func insert(ctx context.Context, tx *sql.Tx, h head, contents map[string][]byte, backTo int64) error {
	for _, hash := range []string{h.shop, h.catalog} {
		content, given := contents[hash]
		if !given {
			continue
		}
		if content == nil {
			content = []byte{}
		}
		if _, err := tx.ExecContext(ctx, "insert into published_contents (hash, content) values ($1, $2) on conflict (hash) do nothing", hash, content); err != nil {
			return err
		}
	}
	result, err := tx.ExecContext(ctx, `insert into published (number, shop, catalog, published_at, back_to) values ($1, $2, $3, $4, $5)
		on conflict (number) do nothing`, h.number, h.shop, h.catalog, time.Now().UnixMilli(), sql.NullInt64{Int64: backTo, Valid: backTo > 0})
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return cmp.Or(err, errFaster)
	}
	if _, err := tx.ExecContext(ctx, "delete from published where number <= $1 and published_at < $2 and not kept", h.number-keptNumbers, time.Now().Add(-Kept).UnixMilli()); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `delete from published_contents where not exists (select 1 from published p where p.shop = hash or p.catalog = hash)`)
	return err
}

// Keep keeps a version for ever, in the transaction that stores an order which names it.
func Keep(ctx context.Context, tx *sql.Tx, number int64) error {
	_, err := tx.ExecContext(ctx, "update published set kept = $2 where number = $1 and not kept", number, true)
	return err
}

// remember notes what files had.
func remember(ctx context.Context, tx *sql.Tx, files ...*File) error {
	for _, f := range files {
		if f == nil || f.Name == "" {
			continue
		}
		if _, err := tx.ExecContext(ctx, "insert into published_files (name, hash) values ($1, $2) on conflict (name, hash) do nothing", f.Name, f.hash()); err != nil {
			return err
		}
	}
	return nil
}

// Counted is the stock that new goods of the version begin with.
func (v *Version) Counted() (lines []stock.Line) {
	for _, p := range v.Catalog.Products() {
		if !p.Digital {
			lines = append(lines, stock.Line{SKU: p.SKU, Quantity: p.Stock})
		}
	}
	return append(lines, v.uses()...)
}

// uses are how often its campaigns can be used, of those where that counts.
func (v *Version) uses() (lines []stock.Line) {
	for _, c := range v.Shop.Campaigns {
		if c.Uses > 0 {
			lines = append(lines, stock.Line{SKU: stock.Campaign + c.ID, Quantity: c.Uses})
		}
	}
	return lines
}

// count begins to count what is new, and takes over how often campaigns can be used.
func (p *Publisher) count(ctx context.Context, tx *sql.Tx, v *Version) error {
	if err := p.Stock.Seed(ctx, tx, v.Counted()); err != nil {
		return err
	}
	return p.Stock.Recount(ctx, tx, v.uses())
}

// Back publishes the contents of an older version under a new number. The error is
// ErrNoVersion without that version.
func (p *Publisher) Back(ctx context.Context, number int64) (*Version, error) {
	return p.onTop(ctx, func(before head) (*Version, error) {
		old, err := numbered(ctx, p.DB.Read, number)
		if err != nil {
			return nil, err
		}
		old.number = before.number + 1
		v, err := read(ctx, p.DB, old, nil)
		if err != nil {
			return nil, err
		}
		return v, p.DB.Tx(ctx, func(tx *sql.Tx) error {
			if err := giveUp(ctx, tx, number, old); err != nil {
				return err
			}
			if err := insert(ctx, tx, old, nil, number); err != nil {
				return err
			}
			return p.count(ctx, tx, v)
		})
	})
}

// giveUp notes what the versions after number have and old has not: a process that starts with it
// brings it back by no name of its file.
func giveUp(ctx context.Context, tx *sql.Tx, number int64, old head) error {
	_, err := tx.ExecContext(ctx, `insert into published_files (name, hash)
		select $4, shop from published where number > $1 and shop <> $2
		union select $4, catalog from published where number > $1 and catalog <> $3
		on conflict (name, hash) do nothing`, number, old.shop, old.catalog, anyName)
	return err
}

// List returns the versions, newest first.
func (p *Publisher) List(ctx context.Context) ([]Entry, error) {
	const shown = 12 // of a hash
	return db.All(ctx, p.DB.Read, func(rows *sql.Rows) (e Entry, err error) {
		var at int64
		var back sql.NullInt64
		err = rows.Scan(&e.Number, &e.Shop, &e.Catalog, &at, &back)
		e.Shop, e.Catalog, e.PublishedAt, e.BackTo = e.Shop[:shown], e.Catalog[:shown], time.UnixMilli(at), back.Int64
		return e, err
	}, "select number, shop, catalog, published_at, back_to from published order by number desc")
}

// read reads and checks the contents of a version; those that are not given are in the
// database.
func read(ctx context.Context, d *db.DB, h head, given map[string][]byte) (*Version, error) {
	shop, goods, err := contents(ctx, d, h, given)
	if err != nil {
		return nil, err
	}
	if _, isNew := given[h.catalog]; isNew {
		return readContents(h.number, shop, goods, catalog.Read)
	}
	return readContents(h.number, shop, goods, catalog.ReadPublished)
}

// contents reads the contents of a version; those that are not given are in the database.
func contents(ctx context.Context, d *db.DB, h head, given map[string][]byte) (shop, goods []byte, err error) {
	content := func(hash string) (content []byte, err error) {
		if content, ok := given[hash]; ok {
			return content, nil
		}
		err = d.Read.QueryRowContext(ctx, "select content from published_contents where hash = $1", hash).Scan(&content)
		return content, err
	}
	if shop, err = content(h.shop); err != nil {
		return nil, nil, fmt.Errorf("read the published shop: %w", err)
	}
	if goods, err = content(h.catalog); err != nil {
		return nil, nil, fmt.Errorf("read the published catalogue: %w", err)
	}
	return shop, goods, nil
}

// ReadFiles makes a version of files, as number 1, without publishing it.
func ReadFiles(shop, goods *File) (*Version, error) {
	return readContents(1, shop.Content, goods.Content, catalog.Read)
}

// catalogReader is catalog.Read or catalog.ReadPublished.
type catalogReader func(io.Reader) (*catalog.Catalog, error)

func readContents(number int64, shop, goods []byte, catalogOf catalogReader) (*Version, error) {
	var source settings.Source
	if err := json.Unmarshal(shop, &source); err != nil {
		return nil, fmt.Errorf("read the published shop: %w", err)
	}
	return assemble(number, source, goods, catalogOf)
}

var errNothingSold = errors.New("nothing can be bought: no product has a price in the currency of a market")

// Read makes a version of a shop file and a catalogue; an empty one is none. The error has
// all that is wrong with both.
func Read(number int64, source settings.Source, goods []byte) (*Version, error) {
	return assemble(number, source, goods, catalog.Read)
}

func assemble(number int64, source settings.Source, goods []byte, catalogOf catalogReader) (*Version, error) {
	var wrong WrongError
	shop, warnings, err := settings.Read(source)
	if err != nil {
		wrong.add("shop file: ", err)
	}
	products := &catalog.Catalog{}
	if len(goods) > 0 {
		if products, err = catalogOf(bytes.NewReader(goods)); err != nil {
			wrong.add("catalogue: ", err)
		}
	}
	if wrong.Count > 0 {
		return nil, &wrong
	}
	v := NewVersion(number, shop, products)
	v.Warnings = warnings
	switch {
	case shop.Storefront && len(goods) == 0:
		return nil, ErrNoCatalog
	case len(v.Markets) == 0:
		wrong.add("", errNothingSold)
		return nil, &wrong
	}
	return v, nil
}

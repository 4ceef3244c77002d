package backoffice

import (
	"cmp"
	"database/sql"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-chi/chi/v5"

	"github.com/shopd/shopd/internal/catalog"
	"github.com/shopd/shopd/internal/form"
	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/permission"
	"github.com/shopd/shopd/internal/respond"
	"github.com/shopd/shopd/internal/stock"
	"github.com/shopd/shopd/web/templates"
)

const (
	stockPage   = "/admin/stock"
	stockRows   = 100       // on a page
	stockMoves  = 100       // of a product's ledger that are shown
	maxStock    = 1_000_000 // that can be typed
	maxReason   = 200       // characters
	stockCount  = "count"
	stockMore   = "more"
	stockFewer  = "fewer"
	stockReason = "reason"
)

func (b *Backoffice) stockRoutes(r chi.Router) {
	r.Get(stockPage, b.stock)
	r.Get(stockPage+"/{sku}", b.stockItem)
	r.Post(stockPage+"/{sku}", b.stockChange)
}

// stock is the list of the products of which stock is kept.
func (b *Backoffice) stock(w http.ResponseWriter, r *http.Request) {
	text, after := strings.TrimSpace(r.URL.Query().Get("q")), r.URL.Query().Get("after")
	if len(text) > maxSearch || len(after) > maxSearch || !utf8.ValidString(text+after) {
		b.fail(w, r, errBadRequest)
		return
	}
	v := templates.AdminStockView{Query: text}
	var skus []string
	names := map[string]string{}
	for _, p := range b.stocked(text) {
		if p.SKU <= after {
			continue
		}
		if len(skus) == stockRows {
			v.Next = skus[stockRows-1]
			break
		}
		skus, names[p.SKU] = append(skus, p.SKU), nameOf(p)
	}
	levels, err := b.Book.Stock.Read(r.Context(), skus...)
	if err != nil {
		b.fail(w, r, err)
		return
	}
	for _, l := range levels {
		v.Rows = append(v.Rows, stockRow(l, names[l.SKU]))
	}
	b.page(w, r, http.StatusOK, "Stock", navStock, templates.AdminStock(v))
}

// stocked are the products of the catalogue that can run out and have a text in SKU or
// name, by SKU.
func (b *Backoffice) stocked(text string) []*catalog.Product {
	text = strings.ToLower(text)
	list := slices.DeleteFunc(slices.Clone(b.version().Catalog.Products()), func(p *catalog.Product) bool {
		return p.Digital || !strings.Contains(strings.ToLower(p.SKU+" "+nameOf(p)), text)
	})
	slices.SortFunc(list, func(x, y *catalog.Product) int { return cmp.Compare(x.SKU, y.SKU) })
	return list
}

func nameOf(p *catalog.Product) string {
	name, _ := p.Name.In(i18n.English)
	return name
}

func stockRow(l stock.Level, name string) templates.AdminStockRow {
	return templates.AdminStockRow{
		SKU: l.SKU, Name: name, URL: stockPage + "/" + l.SKU, Short: l.Available() < 0,
		Available: quantity(l.Available()), OnHand: quantity(l.OnHand), Reserved: quantity(l.Reserved), Committed: quantity(l.Committed),
	}
}

// stockItem is the stock of one product, with what has moved.
func (b *Backoffice) stockItem(w http.ResponseWriter, r *http.Request) {
	typed := stockTyped{what: stockCount}
	if values, before := b.typed(w, r); before {
		typed = stockTypedIn(values)
	}
	b.stockAnswer(w, r, http.StatusOK, typed, "", "")
}

// stockTyped is the form of a change of the stock, as it was typed.
type stockTyped struct{ what, quantity, reason string }

func stockTypedIn(form url.Values) stockTyped {
	get := func(name string) string { return strings.TrimSpace(form.Get(name)) }
	return stockTyped{get("what"), get("quantity"), get(stockReason)}
}

// stockAnswer is the page of a product, with what is wrong with a field of its form.
func (b *Backoffice) stockAnswer(w http.ResponseWriter, r *http.Request, status int, typed stockTyped, field, wrong string) {
	sku := chi.URLParam(r, "sku")
	levels, err := b.Book.Stock.Read(r.Context(), sku)
	var moves []stock.Move
	if err == nil && len(levels) > 0 {
		moves, err = b.Book.Stock.Ledger(r.Context(), sku, stockMoves)
	}
	switch {
	case err != nil:
		b.fail(w, r, err)
		return
	case len(levels) == 0:
		b.notFound(w, r)
		return
	}
	name := sku
	if p, known := b.version().Catalog.Product(sku); known {
		name = nameOf(p)
	}
	v := templates.AdminStockItemView{Row: stockRow(levels[0], name), Manages: staffOf(r.Context()).May(permission.Change), Seen: quantity(levels[0].OnHand)}
	for _, m := range moves {
		v.Moves = append(v.Moves, b.stockMove(m))
	}
	if i := slices.IndexFunc(moves, func(m stock.Move) bool { return m.OnHand != 0 }); i >= 0 && status == http.StatusConflict {
		m := v.Moves[i] // perhaps this very form, sent before
		wrong += " The newest change: " + strings.Join(nonEmpty(m.Who, m.OnHand, m.Why, m.At), ", ") + "."
	}
	errs := map[string]string{field: wrong}
	v.Change = form.Group{Title: "Change what is on hand", Inputs: []form.Input{
		{Name: "what", Label: "What is new", Kind: "select", Value: typed.what, Options: []form.Option{
			{Value: stockCount, Label: "It was counted: there are"}, {Value: stockMore, Label: "There are more, by"}, {Value: stockFewer, Label: "There are fewer, by"},
		}},
		{Name: "quantity", Label: "Quantity", Kind: "number", Class: "short", Value: typed.quantity, Error: errs["quantity"]},
		{Name: stockReason, Label: "Reason", Hint: "Such as “stocktaking” or “delivery 4711”. It stays in the list below.", Value: typed.reason, Error: errs[stockReason]},
	}}
	if wrong != "" {
		v.Errors = []form.Error{{ID: form.Input{Name: field}.ID(), Text: wrong}}
	}
	b.page(w, r, status, "Stock of "+name, navStock, templates.AdminStockItem(v))
}

func (b *Backoffice) stockMove(m stock.Move) templates.AdminStockMove {
	signed := func(n int64) string {
		switch {
		case n > 0:
			return "+" + quantity(n)
		case n < 0:
			return "−" + quantity(-n)
		}
		return ""
	}
	v := templates.AdminStockMove{
		At: timeText(m.At.In(b.zone())), What: form.UpperFirst(string(m.Kind)), OnHand: signed(m.OnHand), Reserved: signed(m.Reserved), Committed: signed(m.Committed),
		Who: cmp.Or(m.Who, "shopd"), Why: m.Reason,
	}
	if m.OrderID != "" {
		v.OrderURL = linkTo(m.OrderID, "")
	}
	return v
}

// stockChange changes what is on hand. A form that is sent twice, or after the stock has
// moved, changes nothing.
func (b *Backoffice) stockChange(w http.ResponseWriter, r *http.Request) {
	if err := respond.ParseForm(w, r, respond.ShopperLimit); err != nil {
		b.fail(w, r, err)
		return
	}
	ctx := r.Context()
	typed := stockTypedIn(r.PostForm)
	seen, err := strconv.ParseInt(r.PostForm.Get("seen"), 10, 64)
	if err != nil || !slices.Contains([]string{stockCount, stockMore, stockFewer}, typed.what) {
		b.fail(w, r, errBadRequest)
		return
	}
	n, err := strconv.ParseInt(typed.quantity, 10, 64)
	switch {
	case err != nil || n < 0 || n > maxStock || n == 0 && typed.what != stockCount:
		b.stockAnswer(w, r, http.StatusUnprocessableEntity, typed, "quantity", "Enter a whole number up to "+strconv.Itoa(maxStock)+".")
		return
	case typed.reason == "" || utf8.RuneCountInString(typed.reason) > maxReason || !form.OneLine(typed.reason):
		b.stockAnswer(w, r, http.StatusUnprocessableEntity, typed, stockReason, "Enter a reason of at most "+strconv.Itoa(maxReason)+" characters.")
		return
	}
	c := stock.Change{SKU: chi.URLParam(r, "sku"), Seen: &seen, Delta: n}
	switch typed.what {
	case stockCount:
		c.OnHand, c.Delta = &n, 0
	case stockFewer:
		c.Delta = -n
	}
	err = b.Book.DB.Tx(ctx, func(tx *sql.Tx) error {
		_, err := b.Book.Stock.Set(ctx, tx, []stock.Change{c}, stock.Entry{Who: staffOf(ctx).Name, Reason: typed.reason})
		return err
	})
	below, isBelow := errors.AsType[*stock.BelowError](err)
	_, unknown := errors.AsType[*stock.UnknownError](err)
	switch {
	case err == nil:
		http.Redirect(w, r, stockPage+"/"+c.SKU, http.StatusSeeOther)
	case isBelow:
		instead := "more"
		if typed.what == stockFewer {
			instead = "fewer"
		}
		b.stockAnswer(w, r, http.StatusUnprocessableEntity, typed, "quantity",
			quantity(below.Level.Reserved+below.Level.Committed)+" are sold or being bought. Cancel orders first, or enter "+instead+".")
	case errors.Is(err, stock.ErrMoved), errors.Is(err, stock.ErrOldCount):
		b.stockAnswer(w, r, http.StatusConflict, typed, "quantity", "The stock has changed since you opened the page. Look at it again, and send this if it is still right.")
	case unknown:
		b.notFound(w, r)
	default:
		b.fail(w, r, err)
	}
}

package backoffice

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopd/shopd/internal/form"
	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
	"github.com/shopd/shopd/internal/permission"
	"github.com/shopd/shopd/internal/respond"
	"github.com/shopd/shopd/web/templates"
)

const (
	// maxSearch is the longest search text, in bytes. An e-mail address has at most 320.
	maxSearch = 320
	dayForm   = "2006-01-02"
	// set is the value of a filter that is there or not.
	set = "1"
)

// choices are the values of a filter; its name in addresses is in templates.AdminFilter.
type choices []templates.AdminChoice

var (
	states = func() (all choices) {
		for _, s := range []order.State{
			order.StateChecking, order.StateRejected, order.StateOpen, order.StatePartCaptured, order.StateCaptured,
			order.StatePartRefunded, order.StateRefunded, order.StateCancelled, order.StateExpired, order.StateClosed,
		} {
			all = append(all, templates.AdminChoice{Value: string(s), Label: badges[s].Text})
		}
		return all
	}()
	risks = choices{
		{Value: string(ordermanagement.FraudPending), Label: "Being checked"},
		{Value: string(ordermanagement.FraudRejected), Label: "Rejected"},
		{Value: string(ordermanagement.FraudAccepted), Label: "Accepted"},
	}
	sorts = choices{
		{Value: "", Label: "Newest first"}, {Value: "placed", Label: "Oldest first"},
		{Value: "-amount", Label: "Highest amount"}, {Value: "amount", Label: "Lowest amount"},
		{Value: "status", Label: "Status, from Open on"}, {Value: "-status", Label: "Status, Open last"},
	}
	marks = choices{{Value: set}}
)

// search redirects to the list of what was searched for.
func (b *Backoffice) search(w http.ResponseWriter, r *http.Request) {
	if err := respond.ParseForm(w, r, respond.ShopperLimit); err != nil {
		b.fail(w, r, err)
		return
	}
	b.searchFor(w, r, r.PostForm)
}

func (b *Backoffice) searchFor(w http.ResponseWriter, r *http.Request, form url.Values) {
	filter, _, err := b.filterOf(form)
	if err != nil {
		b.fail(w, r, err)
		return
	}
	http.Redirect(w, r, listURL(home, filter, ""), http.StatusSeeOther)
}

// filterOf reads the filter of a list from a query or a form, for its page and for the
// book. It refuses values that none of our forms sends.
func (b *Backoffice) filterOf(v url.Values) (f templates.AdminFilter, q order.Query, err error) {
	f = templates.AdminFilter{
		Sealed: v.Get("q"), Status: v.Get("status"), Risk: v.Get("risk"), Country: v.Get("country"), From: v.Get("from"), To: v.Get("to"),
		ToShip: v.Get("to_ship"), Expiring: v.Get("expiring"), Flagged: v.Get("flagged"), Withdrawn: v.Get("withdrawn"), Sort: v.Get("sort"),
	}
	var opened bool
	if f.Query, opened = b.open(f.Sealed); !opened || len(f.Query) > maxSearch || !states.have(f.Status) || !risks.have(f.Risk) || !isCountry(f.Country) ||
		!marks.have(f.ToShip) || !marks.have(f.Expiring) || !marks.have(f.Flagged) || !marks.have(f.Withdrawn) || !sorts.have(f.Sort) {
		return f, q, errBadRequest
	}
	if !strings.HasPrefix(f.Sealed, sealMark) { // somebody has written it into an address
		f.Sealed = b.seal(f.Query)
	}
	sorted, descending := strings.CutPrefix(f.Sort, "-")
	q = order.Query{
		Text: f.Query, State: order.State(f.Status), Risk: ordermanagement.FraudStatus(f.Risk), Country: f.Country,
		ToShip: f.ToShip == set, Expiring: f.Expiring == set, Flagged: f.Flagged == set, Withdrawn: f.Withdrawn == set,
		Sort: order.Sort(strings.TrimPrefix(sorted, "placed")), Ascending: !descending && sorted != "", Cursor: v.Get("page"),
	}
	var toErr error
	q.PlacedAfter, err = b.day(f.From)
	if q.PlacedBefore, toErr = b.day(f.To); !q.PlacedBefore.IsZero() {
		q.PlacedBefore = q.PlacedBefore.AddDate(0, 0, 1) // all of the day
	}
	if err != nil || toErr != nil {
		return f, q, errBadRequest
	}
	return f, q, nil
}

// day is when a day begins in the shop's time zone. "" is the zero time.
func (b *Backoffice) day(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	return time.ParseInLocation(dayForm, text, b.zone())
}

// listURL returns the address of a list, or of a file of it, from its filter and its page.
func listURL(path string, f templates.AdminFilter, page string) string {
	v := url.Values{}
	for _, field := range f.Fields("") {
		v.Set(field.Name, field.Value)
	}
	if page != "" {
		v.Set("page", page)
	}
	if len(v) == 0 {
		return path
	}
	return path + "?" + v.Encode()
}

func (b *Backoffice) orders(w http.ResponseWriter, r *http.Request) {
	if form, before := b.typed(w, r); before {
		b.searchFor(w, r, form)
		return
	}
	filter, query, err := b.filterOf(r.URL.Query())
	if err != nil {
		b.fail(w, r, err)
		return
	}
	page, err := b.Book.List(r.Context(), query)
	if errors.Is(err, order.ErrCursor) {
		err = errBadRequest
	}
	if err != nil {
		b.fail(w, r, err)
		return
	}
	countries, err := b.countries(r.Context())
	if err != nil {
		b.fail(w, r, err)
		return
	}
	counts, err := b.Book.Counts(r.Context())
	if err != nil {
		b.fail(w, r, err)
		return
	}
	b.Sessions.Remember(w, listCookie, strings.TrimPrefix(listURL("", filter, ""), "?"), 0)
	staff := staffOf(r.Context())
	v := templates.AdminOrdersView{
		Filter: filter, Statuses: states, Risks: risks, Countries: countries, Sorts: sorts, Sorted: sorts.label(filter.Sort),
		Chips: chips(filter), Manages: staff.May(permission.Change), Views: views(filter, counts),
		OrdersURL: listURL("/admin/exports/orders.csv", filter, ""), LinesURL: listURL("/admin/exports/lines.csv", filter, ""),
	}
	for _, a := range b.Desk.Actions.Bulk() {
		v.Bulk = append(v.Bulk, templates.AdminBulk{Action: string(a.Name), Label: a.AllTitle + "…"})
	}
	now := time.Now()
	for _, o := range page.Orders {
		v.Rows = append(v.Rows, b.row(o, now))
	}
	switch v.Found = form.Count(page.Total, "order"); {
	case page.Total == order.Countless:
		v.Found = "Many orders"
	case page.Total > order.MaxTotal:
		v.Found = strings.Replace(form.Count(order.MaxTotal, "order"), " ", "+ ", 1)
	}
	if page.Previous != "" {
		v.PreviousURL = listURL(home, filter, page.Previous)
	}
	if page.Next != "" {
		v.NextURL = listURL(home, filter, page.Next)
	}
	b.page(w, r, http.StatusOK, "Orders", navOrders, templates.AdminOrders(v))
}

func (b *Backoffice) row(o order.Order, now time.Time) templates.AdminRow {
	o = o.In(b.zone())
	v := templates.AdminRow{
		Number: o.Number, URL: orderPath(o.Number), Placed: timeText(o.PlacedAt), PlacedISO: o.PlacedAt.UTC().Format(time.RFC3339),
		Customer: cmp.Or(o.BillingAddress.Name(), o.BillingAddress.OrganizationName, o.ShippingAddress.Name()), Market: marketOf(o), State: stateOf(o), Total: form.Amount(o.OrderAmount), Currency: string(o.PurchaseCurrency),
	}
	if o.Erased() {
		v.Customer = "Erased"
	}
	if rest := o.Remaining(); rest > 0 {
		v.Remaining = form.Amount(rest)
	}
	for _, a := range b.Desk.Actions.Bulk() {
		if b.Desk.Possible(o, a, now) == nil {
			v.Ref = o.Ref()
		}
	}
	if o.ToShip() {
		v.Ref = o.Ref() // for its packing slip
	}
	if notes := flagNotes(o); len(notes) > 0 {
		v.FlagReason = notes[0].Title
	}
	return v
}

// listCookie ends the name of the cookie with the list that was looked at last: its orders are those before
// and after an order.
const listCookie = "-list"

// lastList is the list that the request's browser has looked at last.
func (b *Backoffice) lastList(r *http.Request) (templates.AdminFilter, order.Query) {
	values, err := url.ParseQuery(b.Sessions.Remembered(r, listCookie))
	if err == nil {
		var filter templates.AdminFilter
		var query order.Query
		if filter, query, err = b.filterOf(values); err == nil {
			return filter, query
		}
	}
	return templates.AdminFilter{}, order.Query{}
}

// views are the lists of what staff have to do or to look at, with how many orders each has.
func views(f templates.AdminFilter, n order.Counts) []templates.AdminView {
	all := templates.AdminView{Name: "All", URL: listURL(home, templates.AdminFilter{Sort: f.Sort}, "")}
	list := []templates.AdminView{all}
	active := f
	active.Sort = ""
	list[0].Active = active == templates.AdminFilter{}
	for _, v := range []struct {
		name   string
		n      int64
		filter templates.AdminFilter
	}{
		{"To ship", n.ToShip, templates.AdminFilter{ToShip: set}},
		{"Expiring", n.Expiring, templates.AdminFilter{Expiring: set}},
		{"Withdrawn", n.Withdrawn, templates.AdminFilter{Withdrawn: set}},
		{"Flagged", n.Flagged, templates.AdminFilter{Flagged: set}},
		{"Being checked", n.Pending, templates.AdminFilter{Risk: string(ordermanagement.FraudPending)}},
		{"Rejected", n.Rejected, templates.AdminFilter{Risk: string(ordermanagement.FraudRejected)}},
	} {
		is := v.filter == active
		v.filter.Sort = f.Sort
		count := strconv.FormatInt(min(v.n, order.MaxTotal), 10)
		if v.n > order.MaxTotal {
			count += "+"
		}
		list = append(list, templates.AdminView{Name: v.name, Count: count, URL: listURL(home, v.filter, ""), Active: is})
	}
	return list
}

// chips returns the set parts of a filter, each with a link to the list without it.
func chips(f templates.AdminFilter) []templates.AdminChip {
	var all []templates.AdminChip
	add := func(name, value string, part *string) {
		if *part == "" {
			return
		}
		was := *part
		*part = ""
		all = append(all, templates.AdminChip{Name: name, Value: value, URL: listURL(home, f, "")})
		*part = was
	}
	add("Search", f.Query, &f.Sealed)
	add("Status", states.label(f.Status), &f.Status)
	add("Risk", risks.label(f.Risk), &f.Risk)
	add("Country", i18n.CountryName(i18n.English, f.Country), &f.Country)
	add("From", dayOf(f.From), &f.From)
	add("To", dayOf(f.To), &f.To)
	add("Only", "to ship", &f.ToShip)
	add("Only", "expiring", &f.Expiring)
	add("Only", "flagged", &f.Flagged)
	add("Only", "withdrawn", &f.Withdrawn)
	return all
}

// have reports whether a value is one of the choices, or none.
func (c choices) have(value string) bool {
	return value == "" || slices.ContainsFunc(c, func(choice templates.AdminChoice) bool { return choice.Value == value })
}

func (c choices) label(value string) string {
	for _, choice := range c {
		if choice.Value == value {
			return choice.Label
		}
	}
	return value
}

// dayOf writes a day that was typed.
func dayOf(text string) string {
	t, err := time.Parse(dayForm, text)
	if err != nil {
		return text
	}
	return form.Day(t)
}

// countries are those of the shop's markets, and after them those of orders of markets that it has
// given up.
func (b *Backoffice) countries(ctx context.Context) (all choices, err error) {
	bought, err := b.Book.Countries(ctx)
	for _, country := range append(b.version().Shop.Markets.Countries(), bought...) {
		if !all.have(country) {
			all = append(all, templates.AdminChoice{Value: country, Label: i18n.CountryName(i18n.English, country)})
		}
	}
	return all, err
}

// isCountry reports whether a text is the code of a country, or empty.
func isCountry(text string) bool { return text == "" || i18n.CountryName(i18n.English, text) != text }

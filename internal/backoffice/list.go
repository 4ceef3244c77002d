package backoffice

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/shopd/shopd/internal/form"
	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
	"github.com/shopd/shopd/internal/respond"
	"github.com/shopd/shopd/web/templates"
)

const (
	// maxSearch is the longest search text, in bytes. An e-mail address has at most 320.
	maxSearch = 320
	// checking is the filter's value for orders that Klarna is still checking.
	checking = "CHECKING"
	dayForm  = "2006-01-02"
)

// states are the values of the filter's state.
var states = []templates.AdminChoice{
	{Value: checking, Label: "Being checked"},
	{Value: string(ordermanagement.Authorized), Label: "Open"},
	{Value: string(ordermanagement.PartCaptured), Label: "Partly captured"},
	{Value: string(ordermanagement.Captured), Label: "Captured"},
	{Value: string(ordermanagement.Cancelled), Label: "Cancelled"},
	{Value: string(ordermanagement.Expired), Label: "Expired"},
	{Value: string(ordermanagement.Closed), Label: "Closed"},
}

// search redirects to the list of what was searched for. An e-mail address is replaced by
// its hash: no URL has personal data.
func (b *Backoffice) search(w http.ResponseWriter, r *http.Request) {
	if err := respond.ParseForm(w, r, respond.ShopperLimit); err != nil {
		b.fail(w, r, err)
		return
	}
	b.searchFor(w, r, r.PostForm)
}

func (b *Backoffice) searchFor(w http.ResponseWriter, r *http.Request, form url.Values) {
	text := strings.TrimSpace(form.Get("q"))
	if len(text) > maxSearch {
		b.fail(w, r, errBadRequest)
		return
	}
	if strings.Contains(text, "@") {
		text = order.EmailHash(text)
	}
	filter, _, err := filterOf(form)
	if err != nil {
		b.fail(w, r, err)
		return
	}
	filter.Query = text
	http.Redirect(w, r, listURL(filter, ""), http.StatusSeeOther)
}

// filterOf reads the filter of a list from a query or a form, for its page and for the
// book. It refuses values that none of our forms sends.
func filterOf(v url.Values) (templates.AdminFilter, order.Query, error) {
	f := templates.AdminFilter{
		Query: strings.TrimSpace(v.Get("q")), Status: v.Get("status"), Country: v.Get("country"), From: v.Get("from"), To: v.Get("to"),
	}
	q := order.Query{Text: f.Query, Country: f.Country, Cursor: v.Get("page")}
	var err, toErr error
	q.From, err = day(f.From)
	if q.To, toErr = day(f.To); !q.To.IsZero() {
		q.To = q.To.AddDate(0, 0, 1) // all of the day
	}
	_, served := market.Lookup(f.Country)
	switch {
	case err != nil, toErr != nil, len(f.Query) > maxSearch, f.Country != "" && !served,
		f.Status != "" && !slices.ContainsFunc(states, func(s templates.AdminChoice) bool { return s.Value == f.Status }):
		return f, q, errBadRequest
	case f.Status == checking:
		q.Pending = true
	default:
		q.Status = ordermanagement.Status(f.Status)
	}
	return f, q, nil
}

// day reads a day. "" is the zero time.
func day(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	return time.Parse(dayForm, text)
}

// listURL returns the address of a list, from its filter and its page.
func listURL(f templates.AdminFilter, page string) string {
	v := url.Values{}
	for name, value := range map[string]string{
		"q": f.Query, "status": f.Status, "country": f.Country, "from": f.From, "to": f.To, "page": page,
	} {
		if value != "" {
			v.Set(name, value)
		}
	}
	if len(v) == 0 {
		return home
	}
	return home + "?" + v.Encode()
}

func (b *Backoffice) orders(w http.ResponseWriter, r *http.Request) {
	if form, before := b.typed(w, r); before {
		b.searchFor(w, r, form)
		return
	}
	filter, query, err := filterOf(r.URL.Query())
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
	staff := staffOf(r.Context())
	v := templates.AdminOrdersView{
		Filter: filter, Statuses: states, Countries: countries(), Chips: chips(filter), Manages: staff.Role == Manage,
	}
	for _, a := range b.Desk.Actions.Bulk() {
		v.Bulk = append(v.Bulk, templates.AdminBulk{Action: string(a.Name), Ask: a.AllAsk, Label: a.Title + "…"})
	}
	now := time.Now()
	for _, o := range page.Orders {
		v.Rows = append(v.Rows, b.row(o, now))
	}
	if v.Found = form.Count(page.Total, "order"); page.Total > order.MaxTotal {
		v.Found = "more than " + form.Count(order.MaxTotal, "order")
	}
	if page.Newer != "" {
		v.NewerURL = listURL(filter, page.Newer)
	}
	if page.Older != "" {
		v.OlderURL = listURL(filter, page.Older)
	}
	b.page(w, r, http.StatusOK, "Orders", navOrders, templates.AdminOrders(v))
}

func (b *Backoffice) row(o order.Order, now time.Time) templates.AdminRow {
	v := templates.AdminRow{
		Number: o.Number, URL: orderPath(o.Number), Placed: timeText(o.PlacedAt), PlacedISO: o.PlacedAt.UTC().Format(time.RFC3339),
		Customer: cmp.Or(fullName(o.BillingAddress), fullName(o.ShippingAddress)), Market: marketOf(o), State: stateOf(o), Total: form.Amount(o.OrderAmount),
	}
	if rest := o.Remaining(); rest > 0 {
		v.Remaining = form.Amount(rest)
	}
	for _, a := range b.Desk.Actions.Bulk() {
		if b.Desk.Possible(o, a, now) == nil {
			v.OrderID = o.OrderID
		}
	}
	if notes := flagNotes(o); len(notes) > 0 {
		v.FlagReason = notes[0].Title
	}
	return v
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
		all = append(all, templates.AdminChip{Name: name, Value: value, URL: listURL(f, "")})
		*part = was
	}
	add("Search", searchText(f.Query), &f.Query)
	add("Status", labelOf(states, f.Status), &f.Status)
	add("Country", i18n.CountryName(i18n.English, f.Country), &f.Country)
	add("From", dayOf(f.From), &f.From)
	add("To", dayOf(f.To), &f.To)
	return all
}

// searchText returns the search text to show. The hash of an address means nothing to
// people.
func searchText(text string) string {
	if len(text) == 64 && strings.Trim(text, "0123456789abcdef") == "" {
		return "an e-mail address"
	}
	return text
}

func labelOf(choices []templates.AdminChoice, value string) string {
	for _, c := range choices {
		if c.Value == value {
			return c.Label
		}
	}
	return value
}

func dayOf(text string) string {
	t, err := day(text)
	if err != nil {
		return text
	}
	return form.Day(t)
}

func countries() []templates.AdminChoice {
	var all []templates.AdminChoice
	for _, m := range market.All() {
		all = append(all, templates.AdminChoice{Value: m.Country, Label: i18n.CountryName(i18n.English, m.Country)})
	}
	return all
}

package e2e_test

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/shopd/shopd/fakeklarna"
)

// paymentPage is what the page of Klarna Payments was told last.
type paymentPage struct {
	Form        string         `json:"form"`
	ClientToken string         `json:"client_token"`
	Session     map[string]any `json:"session"`
}

// pageData is what a checkout page tells its script.
var pageData = regexp.MustCompile(`(?s)<script id="checkout-data" type="application/json"[^>]*>(.*?)</script>`)

// openPayments loads the checkout of Klarna Payments.
func (p *pane) openPayments() { p.openFrom(p.get("/checkout/payments", "")) }

func (p *pane) openFrom(got asked) {
	found := pageData.FindStringSubmatch(got.body)
	switch to := got.header.Get("Location"); {
	case got.status == http.StatusOK && found != nil:
		var data struct{ Payments paymentPage }
		if err := json.Unmarshal([]byte(found[1]), &data); err != nil || data.Payments.ClientToken == "" {
			p.t.Errorf("%s: the page of Klarna Payments: %v", p.name, err)
			return
		}
		p.page = data.Payments
	case got.status == http.StatusSeeOther && strings.HasPrefix(to, "/checkout/confirmation?order_id="):
		p.elsewhere(to)
	case got.status == http.StatusOK, got.status >= 300 && to != "/cart" && got.status < 500:
		p.t.Errorf("%s: checkout: got %d to %q\n%.300s", p.name, got.status, to, got.body)
	}
}

// updatePayments is a click on that page.
func (p *pane) updatePayments() {
	if p.page.Form == "" {
		p.openPayments()
		return
	}
	sku, n := p.sku(), p.IntN(10)
	c := p.begin(sku, to(n))
	got := p.json("/checkout/payments/update", map[string]any{"form": p.page.Form, "lines": []any{map[string]any{"sku": sku, "quantity": n}}})
	c.end(p.told(got))
}

// told takes in what the page is told, and says what became of its change.
func (p *pane) told(got asked) ending {
	var u struct {
		paymentPage
		CartRevision int64 `json:"cart_revision"`
		Redirect     string
	}
	if got.status != 0 && json.Unmarshal([]byte(got.body), &u) != nil {
		p.t.Errorf("%s: Klarna Payments: got %d\n%.300s", p.name, got.status, got.body)
	}
	if u.Form != "" {
		p.page.Form, p.page.Session = u.Form, u.Session
	}
	if u.ClientToken != "" {
		p.page.ClientToken = u.ClientToken
	}
	switch {
	case u.CartRevision > 0:
		return saved
	case got.status >= 400 && got.status < 500 && u.Redirect == "":
		return rejected
	}
	return unsure
}

// sessionID is in the token that the browser's library gets.
func (page paymentPage) sessionID() string {
	parts := strings.Split(page.ClientToken, ".")
	if len(parts) != 3 {
		return ""
	}
	text, _ := base64.RawURLEncoding.DecodeString(parts[1])
	var payload struct {
		SessionID string `json:"session_id"`
	}
	_ = json.Unmarshal(text, &payload) // was made by the fake
	return payload.SessionID
}

// address is what the shopper types in the shop's own form.
func (p *pane) address() map[string]any {
	country, _ := p.page.Session["purchase_country"].(string)
	address := map[string]any{
		"country": country, "email": emails[p.IntN(len(emails))], "given_name": "Ada", "family_name": "Lovelace",
		"street_address": "Storgatan 1", "postal_code": postalCodes[country][0], "city": "Ankeborg", "phone": "+46701234567",
	}
	if country == "US" {
		address["region"] = "CA"
	}
	return address
}

// pay has the shopper approve what the page shows. Then the page tells the shop,
// once or twice, or the shopper leaves and Klarna alone does.
func (p *pane) pay() {
	if p.crowded() {
		return
	}
	if p.page.Form == "" || p.IntN(3) == 0 {
		p.openPayments()
	}
	if p.page.Form == "" {
		return
	}
	address := p.address()
	if address["region"] != nil { // the tax depends on it
		p.told(p.json("/checkout/payments/update", map[string]any{"form": p.page.Form, "region": address["region"]}))
	}
	data, shown := maps.Clone(p.page.Session), p.page
	data["billing_address"], data["shipping_address"] = address, address
	text, err := json.Marshal(data)
	if err != nil {
		p.t.Error(err)
		return
	}
	token, d := p.authorize(shown.sessionID(), text)
	if d == nil {
		return
	}
	place := map[string]any{"authorization_token": token, "form": shown.Form, "order_amount": data["order_amount"], "billing_address": address}
	told := false // that nothing is bought
	switch p.IntN(8) {
	case 0: // leaves: Klarna's callback is all that the shop gets
		p.count("place: left to Klarna's callback", 1)
	case 1:
		var both sync.WaitGroup
		var answers [2]bool
		for i := range answers {
			q := p.twin()
			both.Go(func() { answers[i] = q.place(d, place) })
		}
		both.Wait()
		// One of them may be told that the cart has changed because the other has bought, and has not heard so.
		told = answers[0] && answers[1]
	case 2: // something else is in the cart by now, perhaps
		p.set(p.sku(), p.IntN(10))
		told = p.place(d, place)
	default:
		told = p.place(d, place)
	}
	if told {
		// From now on it must not be bought. Klarna's callback may have had it bought before.
		p.decide(d)
		p.forget(d)
	}
}

// authorize has Klarna approve what the page shows, and notes it; nil when it does not.
func (p *pane) authorize(sessionID string, data []byte) (token string, d *deal) {
	// Klarna's callback may have it bought at once, when nobody has noted yet what it is.
	p.approving.Lock()
	defer p.approving.Unlock()
	out, err := p.fake.Pay(sessionID, fakeklarna.PaymentAction{Authorize: &fakeklarna.Authorize{Data: data}})
	if err != nil || out.AuthorizationToken == "" {
		p.count("authorize: "+whyNot(out, err), 1)
		return "", nil
	}
	p.count("authorize: approved", 1)
	token = out.AuthorizationToken
	p.now.Lock()
	p.pays[token] = sessionID
	p.now.Unlock()
	p.note(&p.tokens, token)
	var lines fakeklarna.Order
	if err := json.Unmarshal(data, &lines); err != nil {
		p.t.Error(err)
	}
	return token, p.sold(token, withCode(goodsOf(lines)), false)
}

// crowded reports whether so many purchases may be under way that nobody can say
// what is in the cart. Klarna tells of those that were made.
func (p *pane) crowded() bool {
	for _, d := range p.undecided() {
		p.decide(d)
	}
	return p.underWay() > 5
}

// decide settles the session of an authorization when Klarna has an order of it.
func (g *guest) decide(d *deal) {
	session, _ := g.fake.Session(g.sessionOf(d.key))
	if session.Fake.OrderID != "" {
		g.settle(session.SessionID, session.Fake.OrderID)
	}
}

func whyNot(out fakeklarna.PaymentOutcome, err error) string {
	switch {
	case err != nil:
		return "not possible"
	case out.Refused != nil:
		return out.Refused.Code
	}
	return "fields: " + strings.Join(out.InvalidFields, " ")
}

// place brings the shop an authorization. What is sold is what the cart has
// (invariant 5). It reports whether the shop said that nothing is bought.
func (p *pane) place(d *deal, request map[string]any) (not bool) {
	w := p.watch()
	got := p.json("/checkout/payments/place", request)
	var u struct {
		Redirect string
		Error    struct{ Code string }
	}
	if got.status != 0 && json.Unmarshal([]byte(got.body), &u) != nil {
		p.t.Errorf("%s: place: got %d\n%.300s", p.name, got.status, got.body)
	}
	if got.status != http.StatusOK {
		p.unwatch(w)
		p.told(got)
		switch {
		case slices.Contains([]string{"cart_changed", "declined", "bad_address", "sold_out"}, u.Error.Code):
			return true
		case u.Error.Code == "authorization_gone":
			// Also when the other tab has bought by it, and been to the confirmation.
		case u.Error.Code != "" && got.status < 500:
			p.t.Errorf("%s: place: got %d %s", p.name, got.status, u.Error.Code)
		case strings.HasPrefix(u.Redirect, "/checkout/confirmation"):
			p.elsewhere(u.Redirect)
		}
		return false
	}
	session, _ := p.fake.Session(p.sessionOf(d.key))
	id := session.Fake.OrderID
	managed, found := p.fake.Managed(id)
	if !found || u.Redirect == "" {
		p.unwatch(w)
		p.t.Errorf("%s: told that order %q is placed: %s", p.name, id, got.body)
		return false
	}
	if known := p.dealOf(id); known != nil && w.made&known.bit != 0 {
		p.unwatch(w) // it was bought before, from another tab
	} else if wrong := p.saw(w, managedGoods(managed), true); len(wrong) > 0 {
		p.t.Errorf("%s bought by order %s what is not in the cart (invariant 5): %s", p.name, id, strings.Join(wrong, "; "))
	}
	p.settle(session.SessionID, id)
	if p.IntN(3) > 0 {
		p.thank(id)
		p.leave()
	}
	return false
}

func (g *guest) sessionOf(token string) string {
	g.now.Lock()
	defer g.now.Unlock()
	return g.pays[token]
}

// settle notes which of a session's authorizations has become its order, "" for
// none.
func (g *guest) settle(sessionID, orderID string) {
	g.approving.Lock()
	defer g.approving.Unlock()
	managed, _ := g.fake.Managed(orderID)
	goods := withCode(managedGoods(managed))
	var open []*deal
	for _, d := range g.undecided() {
		if g.sessionOf(d.key) == sessionID {
			open = append(open, d)
		}
	}
	bought := false
	for _, d := range slices.Backward(open) {
		if orderID == "" || bought || !maps.Equal(d.lines, goods) {
			g.forget(d)
			continue
		}
		g.become(d, orderID)
		bought = true
	}
	if orderID != "" && !bought && g.dealOf(orderID) == nil {
		g.t.Errorf("%s: order %s has %v, which nobody has approved and the shop has not declined (invariant 5)", g.name, orderID, goods)
	}
}

// managedGoods are the goods of an order by SKU, as Order Management has it.
func managedGoods(o fakeklarna.ManagedOrder) map[string]int {
	have := map[string]int{}
	for _, line := range o.OrderLines {
		if line.Type == "physical" || line.Type == "digital" {
			have[line.Reference] += int(line.Quantity)
		}
	}
	return have
}

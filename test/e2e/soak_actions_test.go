package e2e_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/shopd/shopd/examples/skerry"
	"github.com/shopd/shopd/fakeklarna"
)

// deed is something that shoppers do, and how often beside the others.
type deed struct {
	weight int
	do     func(*pane)
}

// deeds are what shoppers of both products do; of one of them, buying too.
var (
	deeds = []deed{
		{6, (*pane).browse},
		{7, func(p *pane) { p.look() }},
		{9, func(p *pane) { p.add(p.sku()) }},
		{12, func(p *pane) { p.set(p.sku(), p.IntN(10)) }},
		{4, func(p *pane) { p.set(p.sku(), 0) }},
		{3, (*pane).alter},
		{5, (*pane).forge},
		{3, func(p *pane) { p.pause(500 * time.Millisecond) }},
	}
	kcoDeeds = slices.Concat(deeds, []deed{
		{14, (*pane).open},
		{16, func(p *pane) { p.update(p.shows, p.sku()) }},
		{3, (*pane).burst},
		{2, func(p *pane) { p.update(p.old(), p.sku()) }},
		{8, (*pane).typeIn},
		{4, (*pane).delivery},
		{7, func(p *pane) { p.buy(p.shows) }},
		{2, (*pane).buyTwice},
		{2, (*pane).buyChanged},
		{1, func(p *pane) { p.buy(p.old()) }},
		{4, (*pane).confirm},
	})
	payDeeds = slices.Concat(deeds, []deed{
		{14, (*pane).openPayments},
		{14, (*pane).updatePayments},
		{8, (*pane).pay},
		{4, (*pane).confirm},
	})
)

// act does one of them, by chance.
func (p *pane) act() {
	all := kcoDeeds
	if p.payments {
		all = payDeeds
	}
	sum := 0
	for _, d := range all {
		sum += d.weight
	}
	n := p.IntN(sum)
	for _, d := range all {
		if n -= d.weight; n < 0 {
			d.do(p)
			return
		}
	}
}

// sku is one of the tab's own.
func (p *pane) sku() string { return p.skus[p.IntN(len(p.skus))] }

// old is an order that the tab showed before, as a page that was left open.
func (p *pane) old() string {
	if len(p.older) == 0 {
		return p.shows
	}
	return p.older[p.IntN(len(p.older))]
}

func (p *pane) browse() {
	paths := []string{"/", "/products/" + p.sku(), "/terms", "/?q=mug", "/cart"}
	path := paths[p.IntN(len(paths))]
	if got := p.get(path, ""); got.status != http.StatusOK && got.status != 0 && got.status != http.StatusServiceUnavailable {
		p.t.Errorf("%s: %s: got %d", p.name, path, got.status)
	}
}

// alter changes discount code or market, which the first tab does only.
func (p *pane) alter() {
	switch {
	case !p.first:
		p.browse()
	case p.IntN(2) == 0:
		p.discount()
	default:
		m := skerry.Version().Markets[p.IntN(len(skerry.Version().Markets))]
		got := p.form("/market", url.Values{"country": {m.Country}, "locale": {m.Locales[p.IntN(len(m.Locales))]}})
		if ended(got) == rejected {
			p.t.Errorf("%s: market %s: got %d", p.name, m.Country, got.status)
		}
	}
}

// open loads the checkout.
func (p *pane) open() {
	got := p.get("/checkout", "")
	id := shownOrder.FindStringSubmatch(got.body)
	switch to := got.header.Get("Location"); {
	case got.status == http.StatusOK && id != nil:
		p.show(id[1])
		p.typed(id[1])
	case got.status == http.StatusSeeOther && strings.HasPrefix(to, "/checkout/confirmation?order_id="):
		p.elsewhere(to)
	case got.status == http.StatusOK, got.status >= 300 && to != "/cart" && got.status < 500:
		p.t.Errorf("%s: checkout: got %d to %q\n%.300s", p.name, got.status, to, got.body)
	}
}

func (p *pane) show(id string) {
	if id == p.shows {
		return
	}
	if p.shows != "" {
		p.older = append(p.older, p.shows)
		p.count("pages: order replaced", 1)
	}
	p.shows = id
	p.note(&p.recent, id)
	p.now.Lock()
	defer p.now.Unlock()
	p.seen[id] = true
}

// elsewhere follows to the confirmation of an order that must be bought.
func (p *pane) elsewhere(to string) {
	u, err := url.Parse(to)
	if err != nil {
		p.t.Errorf("%s: sent to %q", p.name, to)
		return
	}
	id := u.Query().Get("order_id")
	if !p.payments {
		order, _ := p.fake.Order(id)
		if order.Status != fakeklarna.StatusComplete {
			p.t.Errorf("%s: sent to the confirmation of %s, which is %q", p.name, id, order.Status)
			return
		}
		p.sold(id, withCode(goodsOf(order)), true)
	}
	if p.IntN(3) > 0 {
		p.thank(id)
		p.leave()
	}
}

// leave closes the page of what is bought.
func (p *pane) leave() {
	if p.shows != "" {
		p.older = append(p.older, p.shows)
	}
	p.shows, p.page = "", paymentPage{}
}

// update is a click on the open page: after a 200 Klarna has it (invariant 3).
func (p *pane) update(page string, skus ...string) {
	type line struct {
		SKU      string `json:"sku"`
		Quantity int    `json:"quantity"`
	}
	request := struct {
		OrderID string `json:"order_id"`
		Lines   []line `json:"lines"`
	}{OrderID: page}
	var changes []*change
	for _, sku := range skus {
		n := p.IntN(10)
		request.Lines = append(request.Lines, line{sku, n})
		changes = append(changes, p.begin(sku, to(n)))
	}
	got := p.json("/checkout/update", request)
	var u struct {
		OrderID      string `json:"order_id"`
		CartRevision int64  `json:"cart_revision"`
		Redirect     string
	}
	if got.status != 0 && json.Unmarshal([]byte(got.body), &u) != nil {
		p.t.Errorf("%s: update: got %d\n%.300s", p.name, got.status, got.body)
	}
	how := unsure
	switch {
	case u.CartRevision > 0: // of an error too: the change is saved
		how = saved
	case got.status >= 400 && got.status < 500 && u.Redirect == "":
		how = rejected
	}
	may := map[string][]held{}
	for _, c := range changes {
		may[c.sku] = c.end(how)
	}
	switch {
	case got.status == http.StatusOK:
		if page == p.shows {
			p.show(u.OrderID)
		}
		p.arrived(u.OrderID, may)
	case got.status == http.StatusConflict && strings.HasPrefix(u.Redirect, "/checkout/confirmation"):
		p.elsewhere(u.Redirect)
	case got.status == http.StatusConflict && u.Redirect == "/cart", got.status == http.StatusUnprocessableEntity:
	case got.status != 0 && got.status < 500:
		p.t.Errorf("%s: update: got %d %s", p.name, got.status, got.body)
	}
}

// arrived demands that an order has of each SKU what the cart may have, which is
// as good as certain. An update of which nobody heard may still have landed.
func (p *pane) arrived(id string, may map[string][]held) {
	order, _ := p.fake.Order(id)
	have := goodsOf(order)
	for sku, all := range may {
		if slices.ContainsFunc(all, func(h held) bool { return h.n == have[sku] }) {
			continue
		}
		if p.overtaken(id) {
			p.count("an update landed after it was given up", 1)
			return
		}
		p.t.Errorf("%s: an update was answered 200, order %s has %d of %s, may be %v (invariant 3)", p.name, id, have[sku], sku, all)
	}
}

// overtaken reports whether a call about an order lasted for so long that the
// shop may have given it up before it was carried out.
func (s *soak) overtaken(id string) bool {
	return slices.ContainsFunc(s.fake.Requests(id), func(call fakeklarna.Request) bool {
		return call.Status == 0 || call.DurationMS > givenUp.Milliseconds()
	})
}

// givenUp is how long a call may last before, on a busy machine, the shop may no
// longer wait for it. Its limit is 4 s.
const givenUp = 3 * time.Second

// burst clicks on several lines without waiting.
func (p *pane) burst() {
	var clicks sync.WaitGroup
	for _, sku := range p.skus {
		q := p.twin()
		clicks.Go(func() { q.update(q.shows, sku) })
	}
	clicks.Wait()
}

// emails are what shoppers type: how their purchase ends is in it.
var emails = []string{
	"ada@example.com", "ada@example.com", "ada@example.com", "ada@example.com", "ada@example.com", "ada@example.com", "ada+denied@example.com",
	"ada+pend-accept-02@example.com", "ada+pend-reject-02@example.com", "ada+error@example.com",
}

// typeIn types in the form. The first tab types the e-mail address.
func (p *pane) typeIn() {
	if p.shows == "" {
		return
	}
	order, _ := p.fake.Order(p.shows)
	country := strings.ToUpper(order.BillingAddress.Country)
	text := map[string]string{"postal_code": postalCodes[country][p.IntN(2)], "city": "Ankeborg"}
	if country == "US" {
		text["region"] = []string{"CA", "NY", "OR"}[p.IntN(3)]
	}
	if p.IntN(30) == 0 {
		text["postal_code"] = unreachable[country]
	}
	if p.first {
		text["email"] = emails[p.IntN(len(emails))]
	}
	action := fakeklarna.Action{Load: true, Type: text}
	if p.first && p.IntN(8) == 0 {
		action.Country = skerry.Version().Markets[p.IntN(len(skerry.Version().Markets))].Country
	}
	if p.iframe("type", p.shows, action) && p.first {
		p.now.Lock()
		p.email[p.shows] = text["email"]
		p.now.Unlock()
	}
}

// typed demands that an order still has what was typed in it (invariant 8).
func (p *pane) typed(id string) {
	p.now.Lock()
	email := p.email[id]
	p.now.Unlock()
	if order, _ := p.fake.Order(id); p.first && email != "" && order.BillingAddress.Email != email {
		p.t.Errorf("%s: typed %s in order %s, which has %s (invariant 8)", p.name, email, id, order.BillingAddress.Email)
	}
}

// delivery chooses how the goods shall come.
func (p *pane) delivery() {
	order, _ := p.fake.Order(p.shows)
	if n := len(order.ShippingOptions); n > 0 {
		p.iframe("choose delivery", p.shows, fakeklarna.Action{ShippingOption: order.ShippingOptions[p.IntN(n)].ID})
	}
}

// iframe does something in Klarna's form. It reports whether the form took it,
// be the shop of another mind or not.
func (p *pane) iframe(what, id string, a fakeklarna.Action) bool {
	if id == "" {
		return false
	}
	out, err := p.fake.Shopper(id, a)
	switch {
	case err != nil:
		p.count("form: "+what+": not possible", 1)
	case out.Refused != nil:
		p.count("form: "+what+": "+out.Refused.Code, 1)
		return out.Refused.Code != fakeklarna.RefusedReadOnly
	default:
		p.count("form: "+what, 1)
	}
	return err == nil
}

// buy presses the button of a page. What is sold is what the cart has (invariant 5).
func (p *pane) buy(id string) {
	if id == "" || p.underWay() > 5 {
		return
	}
	w := p.watch()
	out, err := p.fake.Shopper(id, fakeklarna.Action{Buy: &fakeklarna.Buy{Method: fakeklarna.PaymentMethods[p.IntN(len(fakeklarna.PaymentMethods))]}})
	if err != nil || out.Refused != nil {
		p.unwatch(w)
		why := "not possible"
		if err == nil {
			why = out.Refused.Code
		}
		p.count("buy: "+why, 1)
		return
	}
	order, _ := p.fake.Order(id)
	lines := goodsOf(order)
	if wrong := p.saw(w, lines, true); len(wrong) > 0 {
		p.t.Errorf("%s bought by order %s what is not in the cart (invariant 5): %s", p.name, id, strings.Join(wrong, "; "))
	}
	p.sold(id, withCode(lines), true)
	p.count("buy: sold", 1)
	if p.IntN(3) > 0 { // the others are told of by the push alone, or look later
		p.thank(id)
		p.leave()
	}
}

// buyTwice presses the buttons of two tabs at once, of which one may show an old order.
func (p *pane) buyTwice() {
	var both sync.WaitGroup
	for _, id := range []string{p.shows, []string{p.shows, p.old()}[p.IntN(2)]} {
		q := p.twin()
		both.Go(func() { q.buy(id) })
	}
	both.Wait()
}

// buyChanged buys on a page after the cart was changed elsewhere. The shopper has
// filled in all before, and thought better of it: so the form asks the shop for
// nothing more but whether it may be bought.
func (p *pane) buyChanged() {
	if p.iframe("fill in, and decline", p.shows, fakeklarna.Action{Buy: &fakeklarna.Buy{Decision: "decline"}}) {
		p.set(p.sku(), p.IntN(10))
		p.buy(p.shows)
	}
}

// confirm opens the confirmation of something that was bought, or of what the
// page shows, which then is not finished.
func (p *pane) confirm() {
	if bought := p.boughtBy(); len(bought) > 0 && p.IntN(4) > 0 {
		p.thank(bought[p.IntN(len(bought))])
		return
	}
	if p.shows != "" && !p.payments {
		got := p.get("/checkout/confirmation?order_id="+url.QueryEscape(p.shows), "")
		order, _ := p.fake.Order(p.shows)
		if got.status == http.StatusOK && order.Status != fakeklarna.StatusComplete {
			p.t.Errorf("%s: thanks for order %s, which is %s", p.name, p.shows, order.Status)
		}
	}
}

// thank opens the confirmation of an order that is bought. After a 200 it is
// placed, and what was bought is out of the cart.
func (p *pane) thank(id string) {
	got := p.get("/checkout/confirmation?order_id="+url.QueryEscape(id), "")
	switch {
	case got.status == http.StatusOK:
		managed, _ := p.fake.Managed(id)
		switch d := p.dealOf(id); {
		case d == nil:
		case managed.MerchantReference1 == "" && managed.Status == fakeklarna.StatusCancelled:
			p.cancel(d) // before the shop had it
		case managed.MerchantReference1 == "", !strings.Contains(got.body, managed.MerchantReference1):
			p.t.Errorf("%s: the confirmation of %s does not say %q", p.name, id, managed.MerchantReference1)
		default:
			p.close(d)
		}
	case got.status != 0 && got.status < 500:
		p.t.Errorf("%s: the confirmation of %s: got %d to %q", p.name, id, got.status, got.header.Get("Location"))
	}
}

// postalCodes are where the goods go.
var postalCodes = map[string][2]string{
	"SE": {"111 47", "41103"}, "NO": {"0150", "5003"}, "DK": {"1050", "8000"}, "FI": {"00100", "33100"}, "DE": {"10115", "20095"},
	"AT": {"1010", "5020"}, "NL": {"1012 AB", "3011 AA"}, "GB": {"SW1A 1AA", "EH1 1YZ"}, "US": {"10001", "97201"},
}

// unreachable are the postal codes to which nothing is brought.
var unreachable = map[string]string{
	"SE": "99999", "NO": "9999", "DK": "9999", "FI": "99999", "DE": "99999", "AT": "9999", "NL": "9999 ZZ", "GB": "ZZ99 9ZZ", "US": "99999",
}

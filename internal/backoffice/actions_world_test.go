package backoffice_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/catalog"
	"github.com/shopd/shopd/internal/order"
)

// bea is a second member of staff who may manage, with ada's password.
const bea = "\nbea:manage:$2a$04$kZYd2bmUqHnucHDybQk/3OSwZrOgNyGC6zCz2u.I0GIs2oyetlf1y"

// desk is an office at which two may act.
type desk struct {
	*office
	t *testing.T
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{office: newOffice(t), t: t}
	d.url = d.serve(staff + bea)
	t.Cleanup(func() {
		// Invariant 9: no log says who bought.
		for _, o := range d.fake.Orders() {
			for member, typed := range o.Fake.Typed {
				if member != "country" && len(typed) > 2 && strings.Contains(d.log.String(), typed) {
					t.Errorf("the log has the shopper's %s", member)
				}
			}
		}
	})
	return d
}

// The lines of the order that buy makes: mugs at 149, a jam at 129 and the delivery at 49 SEK.
const (
	mugField      = "q:physical:MUG-1"
	jamField      = "q:physical:JAM-1"
	deliveryField = "q:shipping_fee:mailboat"
	all           = 4*14900 + 12900 + 4900 // what it comes to
)

// buy is an order of four mugs and a jam in Sweden, bought and in the book.
// typed are address members, by name and text.
func (d *desk) buy(typed ...string) order.Order {
	d.t.Helper()
	return d.buyIn("SE", "en-SE", fakeklarna.Buy{}, typed...)
}

func (d *desk) buyIn(country, locale string, buy fakeklarna.Buy, typed ...string) order.Order {
	d.t.Helper()
	action := fakeklarna.Action{Type: map[string]string{}, Buy: &buy}
	for i := 0; i < len(typed); i += 2 {
		action.Type[typed[i]] = typed[i+1]
	}
	id := cart.NewID()
	market := cart.Fallback{Country: country, Locale: locale}
	c, err := d.book.Carts.Update(d.t.Context(), id, market, func(c *cart.Cart) error {
		ch := cart.Change{Set: []cart.Line{{SKU: "MUG-1", Quantity: 4}, {SKU: "JAM-1", Quantity: 1}}}
		if err := ch.Apply(&c.Contents, catalog.Builtin(), nil); err != nil {
			return err
		}
		return c.Follow(cart.Address{BillingCountry: country, Region: action.Type["region"], PostalCode: action.Type["postal_code"]})
	})
	if err != nil {
		d.t.Fatal(err)
	}
	content, _, err := d.wants.Want(c)
	if err != nil {
		d.t.Fatal(err)
	}
	created, err := d.book.Checkout.CreateOrder(d.t.Context(), content)
	if err != nil {
		d.t.Fatal(err)
	}
	if _, _, err := d.book.Carts.SetOrderID(d.t.Context(), id, "", created.OrderID, nil); err != nil {
		d.t.Fatal(err)
	}
	if out, err := d.fake.Shopper(created.OrderID, action); err != nil || out.Refused != nil {
		d.t.Fatalf("buy: %+v, %v", out, err)
	}
	o, err := d.book.Place(d.t.Context(), created.OrderID)
	if err != nil {
		d.t.Fatal(err)
	}
	return o
}

// managed is the order as Klarna has it.
func (d *desk) managed(o order.Order) fakeklarna.ManagedOrder {
	d.t.Helper()
	m, found := d.fake.Managed(o.OrderID)
	if !found {
		d.t.Fatal("Klarna does not know the order")
	}
	return m
}

// inBook is the order as the book has it.
func (d *desk) inBook(o order.Order) order.Order {
	d.t.Helper()
	kept, found, err := d.book.ByOrderID(d.t.Context(), o.OrderID)
	if err != nil || !found {
		d.t.Fatalf("order of the book: %v, %v", found, err)
	}
	return kept
}

// amounts demands the same amounts of Klarna and the book.
func (d *desk) amounts(o order.Order, authorized, captured, refunded int64) {
	d.t.Helper()
	m, kept := d.managed(o), d.inBook(o)
	if got, want := [3]int64{m.OrderAmount, m.CapturedAmount, m.RefundedAmount}, [3]int64{authorized, captured, refunded}; got != want {
		d.t.Errorf("Klarna has authorized, captured, refunded %v, want %v", got, want)
	}
	if got, want := [3]int64{int64(kept.OrderAmount), int64(kept.CapturedAmount), int64(kept.RefundedAmount)}, [3]int64{authorized, captured, refunded}; got != want {
		d.t.Errorf("the book has authorized, captured, refunded %v, want %v", got, want)
	}
}

// clerk is somebody at the desk, with a browser without scripts.
type clerk struct {
	*desk
	*visitor
	t *testing.T
}

// clerk opens a session.
func (d *desk) clerk(name string) *clerk {
	d.t.Helper()
	return &clerk{desk: d, visitor: d.signedIn(name), t: d.t}
}

// page is what staff see.
type page struct {
	t      *testing.T
	status int
	url    *url.URL
	header http.Header
	doc    *goquery.Document
}

// send asks for a page, and for the one that it redirects to.
func (c *clerk) send(method, path string, form url.Values) page {
	c.t.Helper()
	got := c.do(method, path, form)
	if to := got.Header.Get("Location"); got.StatusCode == http.StatusSeeOther {
		got = c.do(http.MethodGet, to, nil)
	}
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(got.body))
	if err != nil {
		c.t.Fatal(err)
	}
	return page{t: c.t, status: got.StatusCode, url: got.Request.URL, header: got.Header, doc: doc}
}

func (c *clerk) look(path string) page {
	c.t.Helper()
	return c.send(http.MethodGet, path, nil)
}

// open shows the form of an action.
func (c *clerk) open(o order.Order, action string) page {
	c.t.Helper()
	p := c.look("/admin/orders/" + o.Number + "/" + action)
	if p.status != http.StatusOK {
		c.t.Fatalf("form of %s: %d\n%s", action, p.status, p.text())
	}
	return p
}

// submit sends the page's form with some fields changed: names and texts.
func (c *clerk) submit(p page, fields ...string) page {
	c.t.Helper()
	return c.send("POST", p.action(), p.fields(fields...))
}

// act fills in a form, answers the question, and returns the page of the result.
func (c *clerk) act(o order.Order, action string, fields ...string) page {
	c.t.Helper()
	p := c.open(o, action)
	if p.has("form.act-form") {
		if p = c.submit(p, fields...); p.status != http.StatusOK {
			c.t.Fatalf("%s: %d\n%s", action, p.status, p.text())
		}
	}
	return c.submit(p)
}

const forms = "main form.act-form, main form.act-confirm"

// action is where the page's form goes.
func (p page) action() string {
	p.t.Helper()
	action, ok := p.doc.Find(forms).First().Attr("action")
	if !ok {
		p.t.Fatalf("no form on the page:\n%s", p.text())
	}
	return action
}

// fields are those that a browser sends of the page's form.
func (p page) fields(changes ...string) url.Values {
	p.t.Helper()
	form := p.doc.Find(forms).First()
	v := url.Values{}
	form.Find("input, select, textarea").Each(func(_ int, field *goquery.Selection) {
		name, value := field.AttrOr("name", ""), field.AttrOr("value", "")
		_, checked := field.Attr("checked")
		switch {
		case name == "", field.AttrOr("type", "") == "radio" && !checked:
			return
		case field.Is("select"):
			value = field.Find("option[selected]").AttrOr("value", field.Find("option").AttrOr("value", ""))
		case field.Is("textarea"):
			value = field.Text()
		}
		v.Add(name, value)
	})
	for i := 0; i < len(changes); i += 2 {
		v.Set(changes[i], changes[i+1])
	}
	return v
}

func (p page) has(selector string) bool { return p.doc.Find(selector).Length() > 0 }

// text is what the main part says.
func (p page) text() string { return p.part("main") }

// part is what a part of the page says. Cells and paragraphs are words of their own.
func (p page) part(selector string) string {
	p.t.Helper()
	html, err := p.doc.Find(selector).Html()
	if err != nil {
		p.t.Fatal(err)
	}
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(strings.NewReplacer(
		"</td>", " </td>", "</th>", " </th>", "</p>", " </p>", "</h1>", " </h1>", "</a>", "</a> ", "</label>", " </label>", "</caption>", " </caption>",
	).Replace(html)))
	if err != nil {
		p.t.Fatal(err)
	}
	return strings.Join(strings.Fields(doc.Text()), " ")
}

// says demands a text of a part of the page.
func (p page) says(selector, want string) {
	p.t.Helper()
	if got := p.part(selector); !strings.Contains(got, want) {
		p.t.Errorf("%s says %q, want %q in it", selector, got, want)
	}
}

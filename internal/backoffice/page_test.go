package backoffice_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// clerk is somebody at the back office, with a browser without scripts.
type clerk struct{ *shoptest.Browser }

// clerk opens a session of ada, bea or bo.
func (o *office) clerk(name string) clerk { o.T.Helper(); return clerk{o.Staff(name)} }

// stranger has no session.
func (o *office) stranger() clerk { o.T.Helper(); return clerk{o.Browser()} }

// page is what staff see.
type page struct {
	t testing.TB
	shoptest.Answer
	*goquery.Document
}

// send sends a form, and returns the page that it leads to.
func (c clerk) send(method, path string, form url.Values) page {
	c.T.Helper()
	got := c.Form(method, path, form)
	if to := got.Header.Get("Location"); got.StatusCode == http.StatusSeeOther {
		got = c.Get(to)
	}
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(got.Text))
	if err != nil {
		c.T.Fatal(err)
	}
	doc.Find("form[data-once]").Each(func(_ int, form *goquery.Selection) {
		if form.Find("[type=submit]").Length() > 0 && form.Find("[data-busy]").Length() == 0 { // by which admin.js knows that it is sent
			c.T.Errorf("%s: the form to %s can be sent twice", path, form.AttrOr("action", ""))
		}
	})
	return page{c.T, got, doc}
}

func (c clerk) look(path string) page {
	c.T.Helper()
	return c.send(http.MethodGet, path, nil)
}

// inspect looks something up in the inspector.
func (c clerk) inspect(q string) page {
	c.T.Helper()
	return c.look("/admin/inspect?" + url.Values{"q": {q}}.Encode())
}

// sync asks the inspector to bring an order in line with its cart.
func (c clerk) sync(cartID string) page {
	c.T.Helper()
	return c.send(http.MethodPost, "/admin/inspect/sync", url.Values{"cart": {cartID}})
}

// open shows the form of an action.
func (c clerk) open(o order.Order, action string) page {
	c.T.Helper()
	p := c.look("/admin/orders/" + o.Number + "/" + action)
	if p.StatusCode != http.StatusOK {
		c.T.Fatalf("form of %s: %d\n%s", action, p.StatusCode, p.part("main"))
	}
	return p
}

// submit sends the page's form with some fields changed: names and texts.
func (c clerk) submit(p page, fields ...string) page {
	c.T.Helper()
	return c.send("POST", p.action(), p.fields(fields...))
}

// act fills in a form, answers the question, and returns the page of the result.
func (c clerk) act(o order.Order, action string, fields ...string) page {
	c.T.Helper()
	p := c.open(o, action)
	if p.has("form.act-form") {
		if p = c.submit(p, fields...); p.StatusCode != http.StatusOK {
			c.T.Fatalf("%s: %d\n%s", action, p.StatusCode, p.part("main"))
		}
	}
	return c.submit(p)
}

const forms = "main form.act-form, main form.act-confirm"

// action is where the page's form goes.
func (p page) action() string {
	p.t.Helper()
	action, ok := p.Find(forms).First().Attr("action")
	if !ok {
		p.t.Fatalf("no form on the page:\n%s", p.part("main"))
	}
	return action
}

// fields are those that a browser sends of the page's form.
func (p page) fields(changes ...string) url.Values {
	p.t.Helper()
	form := p.Find(forms).First()
	v := url.Values{}
	form.Find("input, select, textarea").Each(func(_ int, field *goquery.Selection) {
		name, value := field.AttrOr("name", ""), field.AttrOr("value", "")
		_, checked := field.Attr("checked")
		switch {
		case name == "", field.Is("[type=radio], [type=checkbox]") && !checked:
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

func (p page) has(selector string) bool { return p.Find(selector).Length() > 0 }

// texts are the texts of what is found, with single spaces.
func (p page) texts(selector string) []string {
	return p.Find(selector).Map(func(_ int, s *goquery.Selection) string { return strings.Join(strings.Fields(s.Text()), " ") })
}

// part is what a part of the page says. Cells and paragraphs are words of their own.
func (p page) part(selector string) string {
	p.t.Helper()
	html, err := p.Find(selector).Html()
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

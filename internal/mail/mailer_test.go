package mail_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/mail"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/examples/skerry"
	"github.com/shopd/shopd/internal/aftersale"
	"github.com/shopd/shopd/internal/browsertest"
	"github.com/shopd/shopd/internal/event"
	"github.com/shopd/shopd/internal/i18n"
	shopmail "github.com/shopd/shopd/internal/mail"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/publish"
	"github.com/shopd/shopd/internal/settings"
	"github.com/shopd/shopd/internal/shop"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

func TestMain(m *testing.M) { browsertest.Main(m) }

// shopThat is the demo's shop, with changes.
func shopThat(change func(*settings.Shop)) *publish.Published {
	v := skerry.Version()
	s := *v.Shop
	s.Contact = settings.Contact{Company: "Fjällboden AB", Registration: "556000-0000", Email: "hej@fjallboden.example", Phone: "+46 8 000 00 00", Address: "Kungsgatan 1, 111 43 Stockholm"}
	s.Pages.Terms = settings.Page{i18n.English: {HTML: "<p>Fair.</p>"}}
	s.Mail = settings.Mail{From: mail.Address{Name: "Fjäll & Co", Address: "order@fjallboden.example"}, Send: settings.MailKinds()}
	if change != nil {
		change(&s)
	}
	return publish.Fixed(publish.NewVersion(1, &s, v.Catalog))
}

// post is a shop that writes mails.
type post struct {
	*shoptest.World
	t      *testing.T
	server *mailServer
}

func newPost(t *testing.T, change func(*settings.Shop)) *post {
	t.Helper()
	p := &post{t: t, server: startServer(t, serverOptions{})}
	p.World = shoptest.New(t, shoptest.Options{Config: func(c *shop.Config) {
		c.Mail, c.Published = p.server.sender("smtp", "", ""), shopThat(change)
	}})
	p.round(0, 0) // begins
	return p
}

// round numbers what has happened and delivers until nothing is due.
func (p *post) round(tried, failed int) {
	p.t.Helper()
	if _, err := p.Events.Number(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
	all, bad := 0, 0
	for {
		n, m, err := p.Deliveries.Round(p.t.Context(), p.Deliveries.Receivers[0], 8)
		if err != nil {
			p.t.Fatal(err)
		}
		if all, bad = all+n, bad+m; n == 0 {
			break
		}
	}
	if all != tried || bad != failed {
		p.t.Fatalf("%d mails were tried and %d failed, want %d and %d", all, bad, tried, failed)
	}
}

// roundOf delivers what is due, of which so many are mails.
func (p *post) roundOf(mails int) {
	p.t.Helper()
	before := len(p.server.received())
	if _, err := p.Events.Number(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
	for n := 1; n > 0; {
		var failed int
		var err error
		if n, failed, err = p.Deliveries.Round(p.t.Context(), p.Deliveries.Receivers[0], 8); err != nil || failed > 0 {
			p.t.Fatal(failed, err)
		}
	}
	if n := len(p.server.received()) - before; n != mails {
		p.t.Fatalf("%d mails, want %d", n, mails)
	}
}

// later lets the time of all deliveries come.
func (p *post) later() {
	p.t.Helper()
	if _, err := p.DB.Exec(p.t.Context(), "update event_deliveries set due_at = 1 where due_at is not null"); err != nil {
		p.t.Fatal(err)
	}
}

// told is what the timeline has of mails: kind and result.
func (p *post) told(o order.Order) (list []string) {
	p.t.Helper()
	entries, err := p.Book.Entries(p.t.Context(), o.OrderID)
	if err != nil {
		p.t.Fatal(err)
	}
	for _, e := range entries {
		if e.Event == order.AuditMail {
			list = append(list, e.ID+" "+string(e.Result)+strings.TrimRight(" "+e.Staff, " "))
		}
		if text := fmt.Sprint(e); strings.Contains(text, "@") {
			p.t.Errorf("the timeline names an address: %s", text)
		}
	}
	return list
}

func (p *post) edit(o order.Order, change func(*order.Order)) order.Order {
	p.t.Helper()
	o, err := p.Book.Update(p.t.Context(), o.OrderID, func(o *order.Order) ([]order.AuditEntry, error) {
		change(o)
		return nil, nil
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return o
}

// Each thing that happens to an order writes one mail, and nothing else does.
func TestMails(t *testing.T) {
	p := newPost(t, nil)
	o := p.Placed("email", "anna@kund.example", "given_name", "Anna", "street_address", "Storgatan 1")
	p.round(1, 0)
	p.Do(o, shoptest.CaptureOf(t, o, 0, 0, 1), order.Done) // the delivery, by which nothing is sent
	p.roundOf(0)
	p.edit(o, func(o *order.Order) {
		o.Ship([]order.Shipment{{Carrier: "PostNord", TrackingNumber: "PN1", TrackingURI: "https://spar.example/PN1"}}, o.Captures[0].CaptureID, time.Now())
	})
	p.round(1, 0)
	p.round(0, 0)
	got := p.server.received()
	if len(got) != 2 {
		t.Fatalf("%d mails", len(got))
	}
	placed := parse(t, got[0].data)
	total := "kr"
	link := shoptest.PublicURL + "/orders/" + o.Number + "?key=" + o.Key
	for _, part := range []string{placed.text, placed.html} {
		for _, want := range []string{"Tack för din beställning", o.Number, "Storgatan 1", "moms", total} {
			if !strings.Contains(part, want) {
				t.Errorf("it does not say %q:\n%s", want, part)
			}
		}
	}
	if !strings.Contains(placed.text, link+"\n") || !strings.Contains(placed.html, `href="`+link+`"`) {
		t.Errorf("no link to %s:\n%s", link, placed.text)
	}
	shipped := parse(t, got[1].data)
	for _, want := range []string{"En del av din beställning är på väg", "PostNord", "PN1", "https://spar.example/PN1"} {
		if !strings.Contains(shipped.text, want) || !strings.Contains(shipped.html, want) {
			t.Errorf("it does not say %q:\n%s", want, shipped.text)
		}
	}
	for _, m := range []parsed{placed, shipped} {
		if id := m.header.Get("Message-Id"); !strings.HasPrefix(id, "<evt_") || !strings.HasSuffix(id, "@fjallboden.example>") {
			t.Errorf("message ID %s", id)
		}
		for _, loads := range []string{"<script", "<img", "src=", "url(", "@import", "<link", "onload", "http-equiv"} {
			if strings.Contains(m.html, loads) {
				t.Errorf("it loads something: %s", loads)
			}
		}
		from, err := mail.ParseAddress(m.header.Get("From"))
		if err != nil || *from != (mail.Address{Name: "Fjäll & Co", Address: "order@fjallboden.example"}) || m.header.Get("Reply-To") != "<hej@fjallboden.example>" {
			t.Errorf("from %s, reply to %s", m.header.Get("From"), m.header.Get("Reply-To"))
		}
	}
	if diff := cmp.Diff([]string{"order_placed done", "order_shipped done"}, p.told(o)); diff != "" {
		t.Error(diff)
	}
	cancelled := p.Placed()
	p.CancelAtKlarna(cancelled.OrderID)
	if _, err := p.Book.Refresh(t.Context(), cancelled.OrderID); err != nil {
		t.Fatal(err)
	}
	p.round(2, 0)
	told := p.told(cancelled)
	slices.Sort(told) // both were due at once
	if diff := cmp.Diff([]string{"order_cancelled done", "order_placed done"}, told); diff != "" {
		t.Error(diff)
	}
}

// A mail says what came with its event, not what came before or since. Goods are captured when they are
// sent: so a capture without a parcel is told too, once.
func TestMailsOfAnEvent(t *testing.T) {
	p := newPost(t, nil)
	o := p.Placed()
	p.round(1, 0)
	parcel := func(number string) []order.Shipment {
		return []order.Shipment{{Carrier: "PostNord", TrackingNumber: number, TrackingURI: "https://spar.example/" + number}}
	}
	capture := func(parcels []order.Shipment, quantities ...int64) {
		t.Helper()
		o = p.InBook(o.OrderID)
		c := shoptest.CaptureOf(t, o, quantities...)
		c.Shipments = parcels
		p.Do(o, c, order.Done)
		o = p.InBook(o.OrderID)
	}
	next := func(says, saysNot []string) {
		t.Helper()
		before := len(p.server.received())
		p.roundOf(1)
		got := p.server.received()[before:]
		if len(got) != 1 {
			t.Fatalf("%d mails", len(got))
		}
		m := parse(t, got[0].data)
		for _, part := range []string{m.text, m.html} {
			for _, want := range says {
				goods := strings.Contains(want, "×") // of which the HTML has markup between
				if !strings.Contains(strings.ReplaceAll(part, "\u00a0", " "), want) && (part == m.text || !goods) {
					t.Errorf("it does not say %q:\n%s", want, m.text)
				}
			}
			for _, not := range saysNot {
				if strings.Contains(part, not) {
					t.Errorf("it says %q:\n%s", not, m.text)
				}
			}
		}
	}
	mug, book := o.OrderLines[0].Name, o.OrderLines[1].Name
	capture(parcel("PN1"), 1, 0, 0)
	next([]string{"PN1", "1 × " + mug}, []string{"PN2"})
	capture(parcel("PN2"), 0, 1, 0)
	next([]string{"PN2", "1 × " + book}, []string{"PN1"})
	capture(nil, 1, 0)
	next([]string{"1 × " + mug, "på väg", "Debiterat: "}, []string{"PN1", "PN2"})
	for _, n := range []int64{101, 202} {
		o = p.InBook(o.OrderID)
		p.Do(o, shoptest.Command(o, aftersale.Refund.Name, func(c *order.Command) { c.Amount = money.Amount(n) }), order.Done)
		next([]string{fmt.Sprintf("%d,%02[1]d", n/101)}, []string{fmt.Sprintf("%d,%02[1]d", 3-n/101)})
	}
	again, err := p.Mailer.Compose(t.Context(), p.InBook(o.OrderID), settings.MailRefunded, "again", 0)
	if err != nil || !strings.Contains(again.Text, "2,02") || strings.Contains(again.Text, "1,01") {
		t.Errorf("sent again, it is the newest: %v\n%s", err, again.Text)
	}
}

// A shop that captures at once has sent nothing by that.
func TestNoMailOfACaptureAtOnce(t *testing.T) {
	p := newPost(t, nil)
	o := p.Placed()
	p.roundOf(1)
	p.Mailer.Published = shopThat(func(s *settings.Shop) {
		s.Checkout.Forms = map[string]settings.Form{"SE": {AutoCapture: true}}
	})
	p.Do(o, shoptest.CaptureOf(t, o, 1, 0, 0), order.Done)
	p.roundOf(0)
}

// Nor has Klarna, which captures when the order is bought: of that there is the mail of the order alone.
func TestNoMailOfACaptureWithThePurchase(t *testing.T) {
	p := newPost(t, func(s *settings.Shop) { s.Checkout.Forms = map[string]settings.Form{"SE": {AutoCapture: true}} })
	if o := p.Placed(); o.CapturedAmount != o.OrderAmount {
		t.Fatalf("captured %d of %d", o.CapturedAmount, o.OrderAmount)
	}
	p.roundOf(1)
	p.roundOf(0)
}

// The shop file says which mails are written.
func TestMailsOfTheShopFile(t *testing.T) {
	p := newPost(t, func(s *settings.Shop) { s.Mail.Send = []settings.MailKind{settings.MailCancelled} })
	p.Placed()
	p.round(0, 0)
	about := func(reference string) event.Event {
		data, err := event.Order{ID: "o", Reference: reference}.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		return event.Event{Type: event.OrderCancelled, Data: data}
	}
	if wants := p.Mailer.Receiver().Wants; !wants(about("")) || wants(about("basket-1")) {
		t.Error("orders of checkout sessions are mixed up with the others")
	}
	p.Mailer.Published = shopThat(func(s *settings.Shop) { s.Mail.Sessions = true })
	if !p.Mailer.Receiver().Wants(about("basket-1")) {
		t.Error("orders of checkout sessions get no mail")
	}
	p.Mailer.Published = shopThat(func(s *settings.Shop) { s.Mail.From = mail.Address{} })
	if p.Mailer.Receiver().Wants(about("")) {
		t.Error("a mail is from nobody")
	}
}

// Addresses that cannot be written to, and those that only look so. What is refused is in
// the timeline, and nothing is sent.
func TestMailAddresses(t *testing.T) {
	p := newPost(t, nil)
	for _, tt := range []struct{ typed, to string }{ // to "": refused
		{"anna@kund.example", "anna@kund.example"},
		{"  anna@kund.example ", "anna@kund.example"},
		{"anna@kräftor.example", "anna@xn--krftor-cua.example"},
		{`"anna svensson"@kund.example`, "anna svensson@kund.example"}, // as the server reads it,
		{"anna+a'b@kund.example", "anna+a'b@kund.example"},
		{"änna@kund.example", "änna@kund.example"},
		{"", ""},
		{"anna", ""},
		{"anna@", ""},
		{"@kund.example", ""},
		{"anna@localhost", ""},
		{"anna@kund.example\r\nBcc: evil@x.example", ""},
		{"anna@kund.example\nRCPT TO:<evil@x.example>", ""},
		{"anna@kund.example, evil@x.example", ""},
		{"anna@kund.example> <evil@x.example", ""},
		{"Anna <anna@kund.example>", ""},
		{"anna@kund..example", ""},
		{"anna\x00@kund.example", ""},
		{"anna@kund\u2028.example", ""},
		{strings.Repeat("a", 308) + "@kund.example", ""},
		{strings.Repeat("a", 64) + "@" + strings.Repeat("b", 260) + ".example", ""},
	} {
		t.Run(tt.typed, func(t *testing.T) {
			before := len(p.server.received())
			o := p.Placed()
			p.edit(o, func(o *order.Order) { o.BillingAddress.Email = tt.typed })
			p.round(1, 0)
			got := p.server.received()[before:]
			switch {
			case tt.to == "" && (len(got) > 0 || !slices.Equal(p.told(o), []string{"order_placed refused"})):
				t.Errorf("%d were sent: %v", len(got), p.told(o))
			case tt.to != "" && (len(got) != 1 || got[0].to != tt.to):
				for _, m := range got {
					t.Errorf("sent to %s", m.to)
				}
				t.Errorf("%d were sent, want one to %s: %v", len(got), tt.to, p.told(o))
			}
			for _, m := range got {
				if strings.Contains(m.data, "evil") {
					t.Error("somebody else gets it too")
				}
			}
		})
	}
}

// What shoppers and staff type does nothing but stand there.
func TestMailInjection(t *testing.T) {
	p := newPost(t, nil)
	o := p.Placed()
	const evil = "Anna\r\n\r\n-- \nFree money: https://evil.example <script>alert(1)</script><img src=https://evil.example/p.gif>"
	o = p.edit(o, func(o *order.Order) {
		o.BillingAddress.GivenName, o.ShippingAddress.GivenName = evil, evil
		o.OrderLines[0].Name = evil
		o.PaymentMethod.Description = evil
	})
	p.edit(o, func(o *order.Order) {
		o.Ship([]order.Shipment{{Carrier: evil, TrackingNumber: "1", TrackingURI: "javascript:alert(1)"}}, "", time.Now())
	})
	p.round(2, 0)
	for _, m := range p.server.received() {
		read := parse(t, m.data)
		for _, bad := range []string{"<script", "<img", "javascript:", `href="https://evil`} {
			if strings.Contains(read.html, bad) {
				t.Errorf("the mail has %s", bad)
			}
		}
		if strings.Contains(read.text, "\nFree money") || strings.Count(read.text, "\n-- \n") != 1 {
			t.Errorf("something that was typed begins a line:\n%s", read.text)
		}
	}
}

// While the server fails a mail waits; what it may have taken is sent once more, and never a
// third time.
func TestMailServerFails(t *testing.T) {
	p := newPost(t, nil)
	first := p.Placed()
	p.server.fault = func(string, int) error { return errors.New("not now") }
	p.round(1, 1)
	if got := p.told(first); got != nil {
		t.Errorf("the timeline says %v", got)
	}
	p.server.fault = nil
	p.later()
	p.round(1, 0)
	second := p.Placed()
	p.server.fault = func(step string, _ int) error {
		if step == "data" {
			return errDrop
		}
		return nil
	}
	for range 2 {
		p.round(1, 1)
		p.later()
	}
	p.round(0, 0)
	if n := len(p.server.received()); n != 3 {
		t.Errorf("the server has %d mails, want 1 and the same twice", n)
	}
	got := p.server.received()
	if id := parse(t, got[1].data).header.Get("Message-Id"); id != parse(t, got[2].data).header.Get("Message-Id") || id == parse(t, got[0].data).header.Get("Message-Id") {
		t.Error("the second try has another Message-ID")
	}
	if diff := cmp.Diff([]string{"order_placed unknown"}, p.told(second)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"order_placed done"}, p.told(first)); diff != "" {
		t.Error(diff)
	}
	// Three days on it is of no use any more.
	third := p.Placed()
	if _, err := p.Events.Number(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := p.DB.Exec(t.Context(), "update events set at = at - $1", (73 * time.Hour).Milliseconds()); err != nil {
		t.Fatal(err)
	}
	p.round(1, 0)
	if diff := cmp.Diff([]string{"order_placed refused"}, p.told(third)); diff != "" {
		t.Error(diff)
	}
}

// killed sends, and never comes back: as a process that is killed before it can say so.
type killed struct {
	shopmail.Sender
	sent chan struct{}
}

func (k killed) Send(ctx context.Context, m *shopmail.Message) error {
	if err := k.Sender.Send(ctx, m); err != nil {
		return err
	}
	close(k.sent)
	select {}
}

// A process is killed between sending and marking: another sends the mail once more. Killed
// after the marking, nobody does.
func TestMailKilled(t *testing.T) {
	p := newPost(t, nil)
	o := p.Placed()
	dead := killed{p.server.sender("smtp", "", ""), make(chan struct{})}
	doomed := p.Process(func(c *shop.Config) { c.Mail, c.Published = dead, shopThat(nil) })
	if _, err := p.Events.Number(t.Context()); err != nil {
		t.Fatal(err)
	}
	go func() {
		_, _, _ = doomed.Deliveries.Round(context.WithoutCancel(t.Context()), doomed.Deliveries.Receivers[0], 8)
	}()
	<-dead.sent
	p.round(0, 0) // it may still be at it
	p.later()     // its lease has run out
	p.round(1, 0)
	if n := len(p.server.received()); n != 2 || len(p.told(o)) != 1 {
		t.Errorf("%d mails: %v", n, p.told(o))
	}
	// The mark is in the audit: the delivery that is left is not sent again.
	var id string
	var sequence, at int64
	if err := p.DB.Read.QueryRowContext(t.Context(), "select id, sequence, at from events where subject = $1", o.ID).Scan(&id, &sequence, &at); err != nil {
		t.Fatal(err)
	}
	if _, err := p.DB.Exec(t.Context(), `insert into event_deliveries (receiver, event_id, sequence, at, due_at, tries, unsure)
		values ('mail', $1, $2, $3, 1, 1, 1)`, id, sequence, at); err != nil {
		t.Fatal(err)
	}
	p.round(1, 0)
	if n := len(p.server.received()); n != 2 {
		t.Errorf("%d mails", n)
	}
}

// An order that was erased gets no mail, and nothing of its mails is left.
func TestMailErased(t *testing.T) {
	p := newPost(t, nil)
	o := p.Placed("email", "anna@kund.example", "family_name", "Kräftström")
	p.server.fault = func(string, int) error { return &faultWithAddress{} }
	p.round(1, 1)
	if found := p.Found("anna@kund.example", "Kräftström"); len(found) == 0 {
		t.Fatal("the search finds nothing")
	}
	p.CancelAtKlarna(o.OrderID)
	if _, err := p.Book.Refresh(t.Context(), o.OrderID); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Book.Erase(t.Context(), o.OrderID, order.ByStaff); err != nil {
		t.Fatal(err)
	}
	if found := p.Found("anna@kund.example", "Kräftström"); len(found) > 0 {
		t.Errorf("found in %v", found)
	}
	p.server.fault = nil
	p.later()
	p.round(2, 0) // nothing to deliver
	if n := len(p.server.received()); n != 0 || p.told(o) != nil {
		t.Errorf("%d mails: %v", n, p.told(o))
	}
}

type faultWithAddress struct{}

func (*faultWithAddress) Error() string { return "451 no mailbox for anna@kund.example" }

var mails = flag.Int("mail.count", 100, "mails in the queue")

// Many mails are in the queue while the server fails now and then: all of them arrive, each
// once, and again only where the server did not say that it has them.
func TestMailQueue(t *testing.T) {
	p := newPost(t, nil)
	var orders []order.Order
	for range min(*mails/10, 50) {
		orders = append(orders, p.Placed())
	}
	p.later()
	p.round(len(orders), 0)
	for i := range *mails {
		o := orders[i%len(orders)]
		data, err := event.Order{ID: o.ID, Number: o.Number}.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.DB.Exec(t.Context(), "insert into events (id, type, at, subject, data) values ($1, $2, $3, $4, $5)",
			fmt.Sprint("evt_", i), string(event.OrderRefunded), time.Now().UnixMilli(), o.ID, string(data)); err != nil {
			t.Fatal(err)
		}
	}
	p.server.fault = func(step string, try int) error {
		switch {
		case step == "rcpt" && try%7 == 0:
			return errors.New("now and then")
		case step == "data" && try%31 == 0:
			return errDrop
		}
		return nil
	}
	start := time.Now()
	for left := int64(1); left > 0; {
		for n := 1; n > 0; {
			var err error
			if n, err = p.Events.Number(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		for n := 1; n > 0; {
			var err error
			if n, _, err = p.Deliveries.Round(t.Context(), p.Deliveries.Receivers[0], 8); err != nil {
				t.Fatal(err)
			}
		}
		p.later()
		var err error
		if left, _, err = p.Deliveries.Queue().Length(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	times := map[string]int{}
	for _, m := range p.server.received()[len(orders):] {
		times[parse(t, m.data).header.Get("Message-Id")]++
	}
	twice := 0
	for id, n := range times {
		if n > 2 {
			t.Errorf("%s arrived %d times", id, n)
		}
		if n == 2 {
			twice++
		}
	}
	t.Logf("%d mails in %v, %d of them twice", len(times), time.Since(start).Round(time.Millisecond), twice)
	if len(times) != *mails || twice == 0 || twice > *mails/15 {
		t.Errorf("%d mails arrived, %d of them twice", len(times), twice)
	}
}

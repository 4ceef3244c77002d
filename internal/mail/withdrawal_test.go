package mail_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/internal/event"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/settings"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// Mails of an order lead to the function of withdrawal. Each statement is acknowledged to the
// address that it names, with its content, date and time, whatever mails the shop file chooses
// and also for orders of checkout sessions.
func TestWithdrawalMails(t *testing.T) {
	p := newPost(t, func(s *settings.Shop) { s.Mail.Send = []settings.MailKind{settings.MailPlaced} })
	o := p.Placed("email", "anna@kund.example")
	p.round(1, 0)
	link := shoptest.PublicURL + "/orders/" + o.Number + "/withdrawal?key=" + o.Key
	placed := parse(t, p.server.received()[0].data)
	if !strings.Contains(placed.text, "Frånträd avtalet här:\n"+link+"\n") || !strings.Contains(placed.html, `href="`+link+`"`) {
		t.Errorf("the mail does not lead to the function:\n%s", placed.text)
	}
	at := time.Now()
	state := func(id, email string, n int64) {
		t.Helper()
		line := order.LineIDs(o.OrderLines)[0]
		for range 2 { // pressed twice
			_, err := p.Book.TakeWithdrawal(t.Context(), o.OrderID, order.Withdrawal{ID: id, Name: "Anna Ö", Email: email, Lines: []order.WithdrawnLine{{ID: line, Quantity: n}}}, at)
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	most := o.OrderLines[0].Quantity
	state("FIRST", "anna@kund.example", 1)
	state("SECOND", "anna@arbete.example", most-1)
	p.round(2, 0)
	var to []string
	for _, m := range p.server.received()[1:] {
		to = append(to, m.to)
		mail := parse(t, m.data)
		want := "1 × "
		if m.to == "anna@arbete.example" {
			want = strings.TrimSpace(strings.Split(mail.text[strings.Index(mail.text, "Jag frånträder"):], "\n")[1])
			if !strings.HasPrefix(want, "1 ×") == (most-1 == 1) {
				t.Errorf("the second statement is about %q, want %d", want, most-1)
			}
		}
		zone, _ := time.LoadLocation("Europe/Stockholm")
		for _, says := range []string{"Vi har tagit emot ditt frånträde", "Jag frånträder avtalet för dessa varor", want, o.Number, "Anna Ö", m.to, at.In(zone).Format("2006-01-02, 15:04")} {
			if !strings.Contains(mail.text, says) || !strings.Contains(mail.html, says) {
				t.Errorf("it does not say %q:\n%s", says, mail.text)
			}
		}
	}
	slices.Sort(to)
	if diff := cmp.Diff([]string{"anna@arbete.example", "anna@kund.example"}, to); diff != "" {
		t.Error(diff)
	}
	data, err := event.Order{ID: "o", Reference: "basket-1"}.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	if !p.Mailer.Receiver().Wants(event.Event{Type: event.OrderWithdrawalRequested, Data: data}) {
		t.Error("withdrawal from an order of a checkout session is not acknowledged")
	}
}

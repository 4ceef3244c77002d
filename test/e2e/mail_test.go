package e2e_test

import (
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/order"
)

// postOffice is a real SMTP server. At a step of its first conversation it has something happen.
type postOffice struct {
	step string // "rcpt", "data", "quit"
	at   func()

	mu    sync.Mutex
	once  sync.Once
	mails []string
}

// NewSession is a conversation.
func (p *postOffice) NewSession(*smtp.Conn) (smtp.Session, error) { return &conversation{p}, nil }

func (p *postOffice) got() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.mails...)
}

type conversation struct{ office *postOffice }

func (c *conversation) reached(step string) {
	if step == c.office.step {
		c.office.once.Do(c.office.at)
	}
}

func (c *conversation) Mail(string, *smtp.MailOptions) error { return nil }
func (c *conversation) Reset()                               {}
func (c *conversation) Rcpt(string, *smtp.RcptOptions) error { c.reached("rcpt"); return nil }
func (c *conversation) Logout() error                        { c.reached("quit"); return nil }
func (c *conversation) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	c.office.mu.Lock()
	c.office.mails = append(c.office.mails, string(text))
	c.office.mu.Unlock()
	c.reached("data") // it is taken, and the answer is not sent yet
	return nil
}

// The process that writes a mail is killed before the mail server has it, between that and its answer, and
// between the answer and the mark: somebody else writes it, so it arrives once or twice, with one Message-ID.
func TestMailKilled(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		step        string
		least, most int
	}{{"rcpt", 1, 1}, {"data", 2, 2}, {"quit", 1, 2}} {
		t.Run(tc.step, func(t *testing.T) {
			t.Parallel()
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			d := deploy(t, 0, fakeklarna.Options{})
			d.env = map[string]string{"SHOPD_SMTP_URL": "smtp://" + l.Addr().String() + "?starttls=never"}
			killed := make(chan struct{})
			office := &postOffice{step: tc.step}
			server := smtp.NewServer(office)
			go func() { _ = server.Serve(l) }()
			t.Cleanup(func() { _ = server.Close() })
			writer := d.start("127.0.0.1:" + d.url[strings.LastIndexByte(d.url, ':')+1:])
			d.shops = []*process{writer}
			office.at = func() {
				writer.kill()
				close(killed)
			}
			c := d.buyer()
			id := c.open(writer)
			if out, err := d.fake.Shopper(id, fakeklarna.Action{Buy: &fakeklarna.Buy{}}); err != nil || out.Refused != nil {
				t.Fatalf("buy: %+v, %v", out, err)
			}
			if got := c.send(writer, "GET", "/checkout/confirmation?order_id="+id, "", ""); got.status != http.StatusOK && got.status != 0 {
				t.Fatalf("confirmation: %d", got.status)
			}
			select {
			case <-killed:
			case <-time.After(2 * time.Minute):
				t.Fatal("nobody writes the mail")
			}
			d.shops[0] = d.start("127.0.0.1:0")
			written := func() bool {
				o, found, err := d.here.Book.ByOrderID(t.Context(), id)
				if err != nil || !found {
					return false
				}
				entries, err := d.here.Book.Entries(t.Context(), o.Ref())
				if err != nil {
					return false
				}
				for _, e := range entries {
					if e.Event == order.AuditMail && e.Result == order.Done {
						return true
					}
				}
				return false
			}
			for limit := time.Now().Add(2 * time.Minute); !written(); time.Sleep(200 * time.Millisecond) {
				if time.Now().After(limit) {
					t.Fatalf("the mail is not noted; %d arrived", len(office.got()))
				}
				// The lease of who was killed is over.
				if _, err := d.here.Book.DB.Exec(t.Context(), "update event_deliveries set due_at = 1 where due_at is not null"); err != nil {
					t.Fatal(err)
				}
			}
			mails := office.got()
			if len(mails) < tc.least || len(mails) > tc.most {
				t.Fatalf("%d mails arrived, want %d to %d", len(mails), tc.least, tc.most)
			}
			if messageID(mails[0]) == "" || messageID(mails[0]) != messageID(mails[len(mails)-1]) {
				t.Errorf("the Message-IDs are %q and %q", messageID(mails[0]), messageID(mails[len(mails)-1]))
			}
		})
	}
}

func messageID(mail string) string {
	for line := range strings.Lines(mail) {
		if id, is := strings.CutPrefix(strings.ToLower(line), "message-id:"); is {
			return strings.TrimSpace(id)
		}
	}
	return ""
}

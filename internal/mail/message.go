package mail

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/mail"
	"path"
	"strings"
	"unicode"

	"golang.org/x/net/idna"

	"github.com/shopd/shopd/internal/event"
	"github.com/shopd/shopd/internal/identity"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/orderview"
	"github.com/shopd/shopd/internal/settings"
	"github.com/shopd/shopd/web/templates"
)

// Message is a mail, before it is put into the form of the wire.
type Message struct {
	ID       string // without the angle brackets
	Kind     settings.MailKind
	Number   string // of the order
	From     mail.Address
	ReplyTo  string // "": From
	To       mail.Address
	Language string // BCP 47
	Subject  string
	HTML     string // its picture is cid:logo
	Text     string
	Logo     *settings.File // nil: none
}

// logoSize is up to which size a logo travels in each mail, in bytes.
const logoSize = 64 << 10

// Compose writes the mail of a kind about an order as it is. ID is what makes its Message-ID. What
// was sent or refunded is that of a revision, 0 the newest. The error is event.ErrRefused where nobody can be written to.
func (m *Mailer) Compose(ctx context.Context, o order.Order, kind settings.MailKind, id string, revision int64) (*Message, error) {
	version := m.Published.Now()
	shop := version.Shop
	if shop.Mail.From.Address == "" {
		return nil, fmt.Errorf("%w: the shop file has no mail.from", event.ErrRefused)
	}
	email := o.BillingAddress.Email
	if stated := o.At(revision).Withdrawals; kind == settings.MailWithdrawal && len(stated) > 0 {
		email = stated[len(stated)-1].Email
	}
	to, err := address(email)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", event.ErrRefused, err)
	}
	priced, err := m.Published.At(ctx, o.Priced)
	if err != nil {
		return nil, fmt.Errorf("find the version of the order: %w", err)
	}
	o = o.In(shop.Zone)
	shown := orderview.View{Version: version, Priced: priced, Voice: shop.Voice(o.Locale), Locale: o.Locale}
	view := templates.MailView{
		OrderPageView: shown.Page(templates.Shell{Shop: identity.Of(version, shown.Voice.Lang), Locale: o.Locale, Alone: !shop.Storefront}, o),
		Kind:          string(kind), PublicURL: m.PublicURL, OrderURL: m.PublicURL + orderview.Path(o),
		BillTo: shown.AddressLines(o.BillingAddress), DeliverTo: shown.AddressLines(o.ShippingAddress),
		PaidWith: o.PaymentMethod.Description,
	}
	shown.Part(&view.OrderPageView, o, revision)
	view.Accent, view.OnAccent, view.AccentDark, view.OnAccentDark = shop.Look.Accents()
	message := &Message{
		ID: id + "@" + domain(shop.Mail.From.Address), Kind: kind, Number: o.Number, From: shop.Mail.From, To: to, Language: string(shown.Voice.Lang),
		Subject: view.Subject(), Text: view.Text(),
	}
	if reply, err := address(shop.Contact.Email); err == nil && reply.Address != shop.Mail.From.Address {
		message.ReplyTo = reply.Address
	}
	if logo := shop.Look.Logo; logo != nil && len(logo.Data) <= logoSize && pictures[strings.ToLower(path.Ext(logo.Name))] != "" {
		message.Logo, view.Logo = logo, "cid:"+logoID
	}
	var html bytes.Buffer
	if err := templates.Mail(view).Render(ctx, &html); err != nil {
		return nil, fmt.Errorf("render mail: %w", err)
	}
	message.HTML = html.String()
	return message, nil
}

// logoID names the logo within its message.
const logoID = "logo"

// pictures are the kinds that mail programs show: SVG is not among them.
var pictures = map[string]string{".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg"}

var errAddress = errors.New("the e-mail address cannot be written to")

// maxAddress is how long an address may be, in bytes. Source: RFC 5321, 4.5.3.1.3.
const maxAddress = 254

// address reads an address that somebody typed. The error does not quote it.
func address(typed string) (mail.Address, error) {
	typed = strings.TrimSpace(typed)
	if len(typed) > maxAddress || strings.ContainsFunc(typed, func(r rune) bool { return unicode.IsControl(r) || r == unicode.ReplacementChar }) {
		return mail.Address{}, errAddress
	}
	a, err := mail.ParseAddress("<" + typed + ">")
	if err != nil {
		return mail.Address{}, errAddress
	}
	name, host := a.Address[:strings.LastIndexByte(a.Address, '@')], domain(a.Address)
	if host == "" || !strings.Contains(host, ".") {
		return mail.Address{}, errAddress
	}
	return mail.Address{Address: name + "@" + host}, nil
}

// Writable reports whether an address that somebody typed is one that can be written to.
func Writable(typed string) bool {
	_, err := address(typed)
	return err == nil
}

// domain is the host of an address as mail servers write it, "" where it cannot be one.
func domain(address string) string {
	host, err := idna.Lookup.ToASCII(address[strings.LastIndexByte(address, '@')+1:])
	if err != nil {
		return ""
	}
	return host
}

// Preview is the HTML for a browser: the picture is in it, and links open elsewhere.
func (m *Message) Preview() string {
	html := strings.Replace(m.HTML, "<head>", `<head><base target="_blank">`, 1)
	if m.Logo == nil {
		return html
	}
	kind := pictures[strings.ToLower(path.Ext(m.Logo.Name))]
	return strings.ReplaceAll(html, `"cid:`+logoID+`"`, `"data:`+kind+";base64,"+base64.StdEncoding.EncodeToString(m.Logo.Data)+`"`)
}

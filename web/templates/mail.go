package templates

import (
	"fmt"
	"strings"

	"github.com/a-h/templ"
)

// MailView is an e-mail about an order. Of its shell it needs Shop and Locale.
type MailView struct {
	OrderPageView
	Kind              string // "order_placed", "order_shipped", "order_refunded", "order_cancelled" or "order_withdrawal"
	PublicURL         string // of the shop
	OrderURL          string // with the key
	Logo              string // address of the picture; "" = the name alone
	BillTo, DeliverTo []string
	PaidWith          string // "" = not told
	// The colours of links and buttons, with that of texts on them: "#rrggbb".
	Accent, OnAccent, AccentDark, OnAccentDark string
}

// Title is what the mail says first.
func (v MailView) Title() string {
	switch v.Kind {
	case "order_placed":
		if v.State == OrderPending || v.State == OrderRejected {
			return v.t("confirmation.pending")
		}
		return v.t("confirmation.title")
	case "order_shipped":
		if v.State == OrderPartSent {
			return v.t("mail.order_shipped_part")
		}
	}
	return v.t("mail." + v.Kind)
}

// Subject is the title with the order's number. It names nobody.
func (v MailView) Subject() string { return v.Title() + " (" + v.Number + ")" }

// lead is the sentence below the title.
func (v MailView) lead() string {
	switch v.Kind {
	case "order_refunded":
		return v.t("orderpage.refunded_body")
	case "order_cancelled":
		return v.meaning(OrderCancelled, v.Free)
	case kindWithdrawal:
		return v.t("withdrawal.next_body")
	}
	return v.meaning(v.State, v.Free)
}

// kindWithdrawal is the mail that acknowledges a statement of withdrawal.
const kindWithdrawal = "order_withdrawal"

// stated are the statements that the mail acknowledges, in facts.
func (v MailView) stated() (facts []Fact) {
	if v.Kind == kindWithdrawal {
		for _, w := range v.Right.Done {
			facts = append(facts, w.facts(v.voice(), v.Number)...)
		}
	}
	return facts
}

// function is the address of the function of withdrawal, "" where the mail does not lead to it.
func (v MailView) function() string {
	if v.Right.URL == "" || v.Kind != "order_placed" && v.Kind != "order_shipped" {
		return ""
	}
	return v.PublicURL + v.Right.URL
}

// whole reports whether the mail has all lines with the sums, as of one that is placed.
func (v MailView) whole() bool { return v.Kind == "order_placed" || v.Kind == "order_cancelled" }

// mailSum is a row of the sums.
type mailSum struct {
	name, amount string
	total        bool
}

// sums are the rows of the sums, the same as on the order's page.
func (v MailView) sums() (rows []mailSum) {
	add := func(name string, a *Amount) {
		if a != nil {
			rows = append(rows, mailSum{name: name, amount: a.Text})
		}
	}
	add(v.t("totals.goods"), &v.Totals.Goods)
	for _, c := range v.Totals.taken(false) {
		add(c.Name, &c.Amount)
	}
	add(v.t("totals.delivery")+": "+delivery(v.voice(), v.Totals), v.Totals.Delivery)
	for _, c := range v.Totals.taken(true) {
		add(c.Name, &c.Amount)
	}
	for _, fee := range v.Totals.Fees {
		add(fee.Name, &fee.Amount)
	}
	add(v.t("line.sales_tax"), v.Totals.SalesTax)
	for _, credit := range v.Totals.Credits {
		add(credit.Name, &credit.Amount)
	}
	rows = append(rows, mailSum{v.t("totals.total"), v.Totals.Total.Text, true})
	if v.Totals.VAT != "" {
		rows = append(rows, mailSum{name: v.t("totals.vat"), amount: v.Totals.VAT})
	}
	for i := range rows {
		rows[i].name = strings.TrimSuffix(rows[i].name, ": ")
	}
	return rows
}

// mailAddress is an address with its heading.
type mailAddress struct {
	title string
	lines []string
}

// addresses are which company has bought, where it goes, how it comes and, where that is
// elsewhere, who pays.
func (v MailView) addresses() (all []mailAddress) {
	if v.Kind != "order_placed" && v.Kind != "order_shipped" {
		return nil
	}
	if len(v.Company) > 0 {
		all = append(all, mailAddress{v.t("payments.organization"), v.Company})
	}
	if len(v.DeliverTo) > 0 && v.Totals.Delivery != nil {
		all = append(all, mailAddress{v.t("confirmation.deliver_to"), v.DeliverTo})
	}
	for _, f := range v.Delivery {
		all = append(all, mailAddress{f.Name, f.Lines})
	}
	if len(v.BillTo) > 0 && (len(v.DeliverTo) == 0 || v.Totals.Delivery == nil || strings.Join(v.BillTo, "\n") != strings.Join(v.DeliverTo, "\n")) {
		all = append(all, mailAddress{v.t("mail.bill_to"), v.BillTo})
	}
	return all
}

// sender is who wrote the mail, line by line.
func (v MailView) sender() []string { return v.Shop.Contact.lines(v.voice()) }

// style is the mail's style sheet: mail programs know neither links to one nor variables.
func (v MailView) style() templ.Component {
	return templ.Raw(fmt.Sprintf(`<style>
:root { color-scheme: light dark; supported-color-schemes: light dark; }
body { margin: 0; padding: 0; background: #f3f6f7; color: #12233a; font: 16px/1.5 -apple-system, "Segoe UI", Roboto, "Noto Sans", Lato, "Helvetica Neue", Arial, sans-serif; -webkit-text-size-adjust: 100%%; }
.ground { background: #f3f6f7; }
.sheet { max-width: 600px; background: #ffffff; }
.in { padding: 24px; overflow-wrap: anywhere; }
h1 { margin: 0 0 12px; font-size: 24px; line-height: 1.25; }
h2 { margin: 24px 0 8px; font-size: 18px; line-height: 1.3; }
p { margin: 0 0 12px; }
ul { margin: 0 0 12px; padding-left: 20px; }
.shop { padding: 24px 24px 0; font-size: 18px; font-weight: 700; }
.printed { display: none; }
.shop img { height: 34px; vertical-align: middle; border: 0; padding-right: 8px; }
.rows td { padding: 6px 0; vertical-align: top; border-top: 1px solid #cfd9df; }
.rows .amount { padding-left: 16px; text-align: right; white-space: nowrap; }
.total td { font-size: 18px; font-weight: 700; }
.muted { color: #4b5c6f; font-size: 14px; }
a { color: %[1]s; }
.button { padding: 12px 20px; border-radius: 4px; background: %[1]s; }
.button a { color: %[2]s; font-weight: 700; text-decoration: none; }
.foot { padding: 16px 24px 32px; color: #4b5c6f; font-size: 14px; overflow-wrap: anywhere; }
@media (prefers-color-scheme: dark) {
body, .ground { background: #0d1722 !important; color: #e9f0f6 !important; }
.sheet { background: #152333 !important; color: #e9f0f6 !important; }
.rows td { border-color: #2b3d50 !important; }
.muted, .foot { color: #a7b8c8 !important; }
a { color: %[3]s !important; }
.button { background: %[3]s !important; }
.button a { color: %[4]s !important; }
}
</style>`, v.Accent, v.OnAccent, v.AccentDark, v.OnAccentDark))
}

// Text is the mail without markup, for those who read it so. Nothing that somebody typed
// can begin a line of its own.
func (v MailView) Text() string {
	var b strings.Builder
	line := func(text string) {
		b.WriteString(strings.Join(strings.Fields(text), " ") + "\n")
	}
	heading := func(text string) {
		b.WriteString("\n")
		line(text)
	}
	goods := func(list []Goods) {
		for _, g := range list {
			line("- " + v.t("line.times", g.Quantity, g.Name.Text))
		}
	}
	parcels := func(list []Parcel) {
		for _, p := range list {
			line(strings.TrimSuffix(p.name(v.voice())+": "+p.Number, ": "))
			if p.URL != "" {
				line(p.URL)
			}
		}
	}
	line(v.Title())
	line(v.t("orderpage.title", v.Number))
	line(v.t("orderpage.placed", v.Placed))
	for _, f := range v.stated() {
		heading(f.Name)
		for _, l := range f.Lines {
			line(l)
		}
	}
	b.WriteString("\n")
	line(v.lead())
	if v.Released != "" {
		line(v.t("orderpage.released", v.Released))
	}
	b.WriteString("\n")
	line(v.t("confirmation.see") + ":")
	line(v.OrderURL)
	if v.whole() {
		heading(v.t("confirmation.bought"))
		for _, l := range v.Lines {
			line("- " + v.t("line.times", l.Quantity, l.Name.Text) + ": " + l.Total.Text)
		}
		b.WriteString("\n")
		for _, s := range v.sums() {
			line(s.name + ": " + s.amount)
		}
		if v.PaidWith != "" && v.Kind == "order_placed" {
			line(v.t("mail.paid_with", v.PaidWith))
		}
	}
	if v.Kind == "order_shipped" {
		if len(v.Parcels) > 0 {
			heading(v.t("orderpage.parcels"))
			parcels(v.Parcels)
		}
		for _, s := range v.Sent {
			heading(v.sentOn(s))
			goods(s.Goods)
			parcels(s.Parcels)
			if s.Amount != "" {
				line(v.t("orderpage.charged", s.Amount))
			}
		}
		if len(v.ToCome) > 0 {
			heading(v.t("orderpage.to_come"))
			goods(v.ToCome)
		}
	}
	if v.Kind == "order_refunded" {
		heading(v.t("orderpage.refunds"))
		for _, r := range v.Refunds {
			line(v.refund(r))
			if r.Description != "" {
				line(r.Description)
			}
			goods(r.Goods)
		}
	}
	for _, a := range v.addresses() {
		heading(a.title)
		for _, l := range a.lines {
			line(l)
		}
	}
	if v.function() != "" {
		heading(v.t("withdrawal.title"))
		line(v.Right.Says)
		line(v.t("withdrawal.function") + ":")
		line(v.function())
	}
	b.WriteString("\n")
	line(v.t("mail.reply"))
	b.WriteString("\n-- \n")
	line(v.Shop.Name)
	for _, l := range v.sender() {
		line(l)
	}
	return b.String()
}

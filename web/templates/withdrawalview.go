package templates

import (
	"strings"

	"github.com/shopd/shopd/internal/i18n"
)

// RightNote is what the page of an order says of withdrawal from the contract.
type RightNote struct {
	URL  string // of the function; "" = nobody can withdraw
	Says string // until when, or why not; "" = nothing is said
	Done []Withdrawn
}

// Withdrawn is a statement of withdrawal that was received.
type Withdrawn struct {
	URL         string // of its acknowledgement
	At          string // the day and the time, with its zone
	Name, Email string // "" = erased
	Goods       []Goods
}

// facts are what is acknowledged, by name.
func (w Withdrawn) facts(l i18n.Voice, number string) (facts []Fact) {
	add := func(key string, lines ...string) {
		if strings.Join(lines, "") != "" {
			facts = append(facts, Fact{Name: l.T(key), Lines: lines})
		}
	}
	var goods []string
	for _, g := range w.Goods {
		goods = append(goods, l.T("line.times", g.Quantity, g.Name.Text))
	}
	add("withdrawal.statement", goods...)
	add("find.number", number)
	add("withdrawal.name", w.Name)
	add("address.email", w.Email)
	add("withdrawal.received_at", w.At)
	return facts
}

// WithdrawView is the statement of withdrawal: the form, and what is to be confirmed.
type WithdrawView struct {
	Shell
	Number, Key           string
	Says                  string // until when
	Name, Email           string
	Lines                 []WithdrawLine
	NameWrong, EmailWrong bool
	QuantityWrong         bool // of one of the lines, or of all: nothing is chosen
	ID                    string
	Confirm               bool // the second step: ID names what is stated
	OrderURL              string
	// Shell.Notes say what else is wrong.
}

// WithdrawLine is a line of goods in the statement.
type WithdrawLine struct {
	ID    string // names the field
	Name  Text
	Left  int64  // how many can be withdrawn from
	Value string // as typed
	Final bool   // there is no right to withdraw
}

// wrong are what is wrong with the form: the field to go to, and the sentence.
func (v WithdrawView) wrong() (list [][2]string) {
	if v.QuantityWrong {
		for i, l := range v.Lines {
			if l.Left > 0 {
				list = append(list, [2]string{v.field(i), v.t("withdrawal.quantity.wrong")})
				break
			}
		}
	}
	if v.NameWrong {
		list = append(list, [2]string{"name", v.t("withdrawal.name.wrong")})
	}
	if v.EmailWrong {
		list = append(list, [2]string{"email", v.t("address.email.wrong")})
	}
	return list
}

// chosen are the goods that are stated.
func (v WithdrawView) chosen() (goods []Goods) {
	for _, l := range v.Lines {
		n := 0
		for _, digit := range l.Value {
			n = 10*n + int(digit-'0')
		}
		if n > 0 {
			goods = append(goods, Goods{Name: l.Name, Quantity: n})
		}
	}
	return goods
}

// WithdrawRefusedView says why nobody can withdraw.
type WithdrawRefusedView struct {
	Shell
	Number, OrderURL string
	Says             string // why
	Done             []Withdrawn
}

// WithdrawnView is the acknowledgement.
type WithdrawnView struct {
	Shell
	Withdrawn
	Number, OrderURL, FileURL string
	Mailed                    bool // it is sent to Email too
}

// Text is the acknowledgement as a file.
func (v WithdrawnView) Text() string {
	var b strings.Builder
	line := func(text string) { b.WriteString(strings.Join(strings.Fields(text), " ") + "\n") }
	line(v.t("mail.order_withdrawal"))
	for _, f := range v.facts(v.voice(), v.Number) {
		b.WriteString("\n")
		line(f.Name)
		for _, l := range f.Lines {
			line(l)
		}
	}
	b.WriteString("\n")
	line(v.t("withdrawal.next_body"))
	b.WriteString("\n")
	for _, l := range append([]string{v.Shop.Name}, v.Shop.Contact.lines(v.voice())...) {
		line(l)
	}
	return b.String()
}

// lines are who is behind the shop, line by line.
func (c Contact) lines(l i18n.Voice) (lines []string) {
	registration := ""
	if c.Registration != "" {
		registration = l.T("footer.registration", c.Registration)
	}
	for _, line := range []string{c.Company, registration, c.Address, c.Phone, c.Email} {
		if line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

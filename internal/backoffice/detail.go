package backoffice

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"github.com/shopd/shopd/internal/aftersale"
	"github.com/shopd/shopd/internal/form"
	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/orderview"
	"github.com/shopd/shopd/internal/permission"
	"github.com/shopd/shopd/internal/respond"
	"github.com/shopd/shopd/web/templates"
)

// refreshTime is how long a page waits for Klarna's copy of its order. After that it shows
// ours.
const refreshTime = 3 * time.Second

// theOrder returns the order that a page is about. Without one it answers the request, and
// ok is false.
func (b *Backoffice) theOrder(w http.ResponseWriter, r *http.Request) (o order.Order, ok bool) {
	o, found, err := b.Book.ByNumber(r.Context(), chi.URLParam(r, "number"))
	switch {
	case err != nil:
		b.fail(w, r, err)
	case !found:
		b.notFound(w, r)
	}
	return o.In(b.zone()), err == nil && found
}

// orderOfForm reads a form of at most limit bytes, and returns the order that it is about. Without
// both it answers the request, and ok is false.
func (b *Backoffice) orderOfForm(w http.ResponseWriter, r *http.Request, limit int64) (o order.Order, ok bool) {
	if err := respond.ParseForm(w, r, limit); err != nil {
		b.fail(w, r, err)
		return o, false
	}
	return b.theOrder(w, r)
}

// order shows the page of one order, as Klarna has it now.
func (b *Backoffice) order(w http.ResponseWriter, r *http.Request) {
	o, ok := b.theOrder(w, r)
	if !ok {
		return
	}
	values, before := b.typed(w, r)
	var notes []templates.ResultNote
	if before {
		notes = append(notes, typedNote)
	}
	b.showOrder(w, r, http.StatusOK, o, values.Get(noteField), "", notes...)
}

// showOrder shows it with what was typed as a note, and what is wrong with that.
func (b *Backoffice) showOrder(w http.ResponseWriter, r *http.Request, status int, o order.Order, typed, wrong string, results ...templates.ResultNote) {
	fresh, refreshErr := b.refresh(r.Context(), o.Ref())
	if refreshErr == nil {
		o = fresh
	} else {
		b.Logger.WarnContext(r.Context(), "order shown as we know it", "order_id", o.Ref(), "order_number", o.Number, "error", refreshErr)
	}
	entries, err := b.Book.Audit(r.Context(), o.Ref())
	if err != nil {
		b.fail(w, r, err)
		return
	}
	now := time.Now().In(b.zone())
	v := templates.AdminOrderView{
		Number: o.Number, State: stateOf(o), Market: marketOf(o), Currency: string(o.PurchaseCurrency), Placed: timeText(o.PlacedAt),
		Amounts: amounts(o), Lines: lines(o), Bookings: bookings(o), Shipments: shipments(o, staffOf(r.Context()).May(permission.Change)), Days: b.timeline(o, entries, now),
		Customer: customer(o), DeliverTo: append(addressLines(o.ShippingAddress), contactLines(o)...), References: references(o),
		InspectURL: "/admin/inspect?q=" + o.Number, Campaigns: campaignsOf(o),
	}
	v.Delivery = b.delivery(o)
	for _, box := range o.Checkboxes {
		v.Checkboxes = append(v.Checkboxes, templates.AdminTerm{Name: box.Text, Value: form.UpperFirst(yesNo(box.Checked))})
	}
	filter, query := b.lastList(r)
	v.ListURL = listURL(home, filter, "")
	v.Before, v.After = b.beside(r.Context(), query, o)
	if v.Others, err = b.others(r.Context(), o); err != nil {
		b.fail(w, r, err)
		return
	}
	if len(v.Others) > 0 {
		v.OthersURL = listURL(home, templates.AdminFilter{Sealed: b.seal(o.BillingAddress.Email)}, "")
	}
	v.Written = b.written(entries)
	if notes := append(results, b.resultNotes(r.URL.Query(), o, entries)...); len(notes) > 0 {
		v.Result = templates.ResultNotes(notes)
	}
	if refreshErr != nil {
		v.Notes = append(v.Notes, b.staleNote(entries))
	}
	for _, n := range flagNotes(o) {
		if staffOf(r.Context()).May(permission.Change) {
			n.Actions = b.flagActions(o, order.Flag(n.ID), now)
		}
		v.Notes = append(v.Notes, n)
	}
	v.Withdrawals = withdrawals(o)
	v.Notes = append(v.Notes, unnamedNotes(o)...)
	if to := addressLines(o.BillingAddress); !slices.Equal(to, addressLines(o.ShippingAddress)) {
		v.BillTo = to
	}
	if o.Erased() {
		v.Customer, v.DeliverTo, v.BillTo = []string{erasedText(o)}, []string{erasedText(o)}, nil
	}
	if hasSlip(o) {
		v.SlipURL = orderPath(o.Number) + "/packing-slip"
	}
	if staffOf(r.Context()).May(permission.Change) {
		if !o.Erased() {
			v.NoteURL, v.NoteKey, v.NoteInput = orderPath(o.Number), uuid.NewString(), noteInput(typed, wrong)
		}
		v.Actions, v.Impossible = b.actionsOf(o, now)
		v.Actions = append(v.Actions, b.mailActions(o)...)
		if why := o.Needed(); why != "" && !o.Erased() {
			v.Impossible = append(v.Impossible, templates.AdminReason{Actions: "Erasing", Why: "is not possible: " + why})
		} else if !o.Erased() {
			v.Actions = append(v.Actions, templates.AdminAction{Label: "Erase personal data…", URL: orderPath(o.Number) + erasePath})
		}
	} else {
		v.MayNot = "You can look but not change. Ask someone who can manage orders."
	}
	b.actionPage(w, r, status, "Order "+o.Number, templates.AdminOrder(v))
}

// besideTime is how long a page waits for what is beside its order. Without that it is shown all the same.
const besideTime = time.Second

// beside are the addresses of the orders before and after one in the list that was looked at last.
func (b *Backoffice) beside(ctx context.Context, q order.Query, o order.Order) (before, after string) {
	ctx, cancel := context.WithTimeout(ctx, besideTime)
	defer cancel()
	before, after, err := b.Book.Beside(ctx, q, o)
	if err != nil {
		b.Logger.WarnContext(ctx, "order shown without those beside it", "order_number", o.Number, "error", err)
		return "", ""
	}
	for _, number := range []*string{&before, &after} {
		if *number != "" {
			*number = orderPath(*number)
		}
	}
	return before, after
}

// maxOthers is how many other orders of a customer are shown.
const maxOthers = 5

func (b *Backoffice) others(ctx context.Context, o order.Order) (list []templates.AdminOther, err error) {
	found, err := b.Book.OthersOf(ctx, o, maxOthers)
	for _, other := range found {
		other = other.In(b.zone())
		list = append(list, templates.AdminOther{
			Number: other.Number, URL: orderPath(other.Number), Placed: form.Day(other.PlacedAt), Total: form.Money(other.OrderAmount, other.PurchaseCurrency), State: stateOf(other),
		})
	}
	return list, err
}

// shown shows orders as their buyers see them, in English.
func (b *Backoffice) shown() orderview.View {
	return orderview.View{Version: b.version(), Voice: i18n.Voice{Lang: i18n.English}}
}

// delivery is how the shopper chose that the goods come.
func (b *Backoffice) delivery(o order.Order) []templates.Fact {
	d := o.Delivery
	if d.ID == "" {
		return nil
	}
	way := templates.Fact{Name: "Chosen", Lines: nonEmpty(d.Name, strings.Join(nonEmpty(d.ID, d.Type, aftersale.MethodName(d.Method), d.Class), " · "))}
	return append([]templates.Fact{way}, b.shown().Delivery(o)...)
}

// refresh reads the order at Klarna.
func (b *Backoffice) refresh(ctx context.Context, orderID string) (order.Order, error) {
	ctx, cancel := context.WithTimeout(ctx, refreshTime)
	defer cancel()
	o, err := b.Book.Refresh(ctx, orderID)
	return o.In(b.zone()), err
}

// staleNote says as of when the order is shown: since the newest entry that came of an answer
// of Klarna's.
func (b *Backoffice) staleNote(entries []order.AuditEntry) templates.Note {
	n := templates.Note{ID: "stale", Kind: templates.Warn, Title: "Klarna did not answer.", Body: "This is the order as we know it."}
	i := slices.IndexFunc(entries, func(e order.AuditEntry) bool {
		switch e.Event {
		case order.AuditPlaced, order.AuditAcknowledged, order.AuditStatus:
			return true
		}
		return (e.Result == order.Done || e.Result == order.Refused) && b.Desk.Actions.Named(order.Action(e.Event)) != nil
	})
	if i >= 0 {
		n.Body = "This is the order as we know it, as of " + timeText(entries[i].At.In(b.zone())) + "."
	}
	return n
}

// unnamedNotes say what was captured and refunded of which nobody said what it is for.
func unnamedNotes(o order.Order) (notes []templates.Note) {
	captured, refunded := o.CapturedAmount, o.RefundedAmount
	for _, s := range o.Lines() {
		captured -= s.CapturedAmount
		refunded -= s.RefundedAmount
	}
	for _, r := range o.Refunds { // a return fee is told by name
		for _, l := range r.OrderLines {
			if l.Type == klarna.ReturnFee {
				refunded -= l.TotalAmount
			}
		}
	}
	if captured > 0 {
		notes = append(notes, templates.Note{ID: "captured-amount", Kind: templates.Info, Title: form.Money(captured, o.PurchaseCurrency) + " were captured as an amount.",
			Body: "Klarna does not know for which lines, so what of them is captured is not known."})
	}
	if refunded > 0 && o.RefundedAmount < o.CapturedAmount {
		notes = append(notes, templates.Note{ID: "refunded-amount", Kind: templates.Info, Title: form.Money(refunded, o.PurchaseCurrency) + " were refunded as an amount.",
			Body: "Klarna does not know for which lines. It stands in no line."})
	}
	return notes
}

// actionsOf returns the possible actions of an order, and for the others the reason.
// Actions with the same reason share one sentence. An action that the platform does not
// have is left out.
func (b *Backoffice) actionsOf(o order.Order, now time.Time) (can []templates.AdminAction, cannot []templates.AdminReason) {
	var whys []string
	named := map[string][]string{}
	for _, a := range b.Desk.Actions {
		impossible := b.Desk.Possible(o, a, now)
		if impossible == nil {
			label := a.Title
			if a.Offer != nil {
				label = a.Offer(o)
			}
			can = append(can, templates.AdminAction{
				Label: label + "…", URL: actionPath(o.Number, a), Aside: a == aftersale.Parcel && !o.ToShip(),
			})
			continue
		}
		if impossible.Reason == aftersale.ReasonPlatform {
			continue
		}
		why := a.Reason(o, impossible.Reason)
		if named[why] == nil {
			whys = append(whys, why)
		}
		named[why] = append(named[why], form.UpperFirst(a.Noun))
	}
	for _, why := range whys {
		names, is := named[why], " is not possible: "
		if len(names) > 1 {
			is = " are not possible: "
			for i := range names[1:] {
				names[i+1] = form.LowerFirst(names[i+1])
			}
		}
		cannot = append(cannot, templates.AdminReason{Actions: enumerate(names), Why: is[1:] + why})
	}
	return can, cannot
}

// enumerate joins names: "Capture, refund and cancel".
func enumerate(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

func customer(o order.Order) []string {
	a := o.BillingAddress
	lines := []string{a.OrganizationName}
	for _, n := range numbers(o) {
		lines = append(lines, n.Name+" "+n.Value)
	}
	return nonEmpty(append(lines, a.Name(), a.Email, a.Phone)...)
}

// numbers are those of the company that has bought.
func numbers(o order.Order) []templates.AdminTerm {
	terms := []templates.AdminTerm{{Name: "Registration no.", Value: o.Customer.OrganizationRegistrationID}, {Name: "VAT no.", Value: o.Customer.VATID}}
	return slices.DeleteFunc(terms, func(t templates.AdminTerm) bool { return t.Value == "" })
}

func addressLines(a klarna.Address) []string {
	return nonEmpty(append(a.Lines(), i18n.CountryName(i18n.English, strings.ToUpper(a.Country)))...)
}

// contactLines are e-mail and phone of the delivery, where they are others than the
// customer's.
func contactLines(o order.Order) []string {
	to, by := o.ShippingAddress, o.BillingAddress
	return slices.DeleteFunc(nonEmpty(to.Email, to.Phone), func(s string) bool { return s == by.Email || s == by.Phone })
}

func nonEmpty(lines ...string) []string {
	return slices.DeleteFunc(lines, func(s string) bool { return strings.TrimSpace(s) == "" })
}

func references(o order.Order) []templates.AdminTerm {
	terms := []templates.AdminTerm{
		{Name: "Klarna order", Value: o.OrderID, Code: true},
		{Name: "Klarna reference", Value: o.KlarnaReference, Code: true},
		{Name: "Merchant reference 1", Value: o.MerchantReference1},
		{Name: "Merchant reference 2", Value: o.MerchantReference2},
		{Name: "Paid with", Value: o.PaymentMethod.Description},
	}
	if o.Free() {
		terms = append(terms, templates.AdminTerm{Name: "Klarna order", Value: "None: there was nothing to pay"})
	}
	if !o.ExpiresAt.IsZero() {
		terms = append(terms, templates.AdminTerm{Name: "Authorized until", Value: form.Day(o.ExpiresAt)})
	}
	return slices.DeleteFunc(terms, func(t templates.AdminTerm) bool { return t.Value == "" })
}

// shipments returns the parcels on their way.
func shipments(o order.Order, manages bool) []templates.AdminShipment {
	var all []templates.AdminShipment
	for _, s := range o.Shipments {
		v := templates.AdminShipment{
			For: "For the whole order", Contents: aftersale.Contents(o, s), Carrier: s.Carrier, Method: s.DeliveryMethod, Number: s.TrackingNumber, URL: s.TrackingURI,
		}
		if c, found := o.Capture(s.CaptureID); found {
			v.For = "For the capture of " + form.Money(c.CapturedAmount, o.PurchaseCurrency) + " at " + timeText(c.CapturedAt.Time)
		}
		carrier, number, uri := s.Back()
		v.Return, v.ReturnURL = strings.TrimSpace(carrier+" "+number), uri
		if len(s.OrderLines) > 0 {
			v.SlipURL = orderPath(o.Number) + "/packing-slip?shipment=" + url.QueryEscape(s.ID)
		}
		if manages {
			v.CorrectURL = actionPath(o.Number, aftersale.Correct) + "?shipment=" + url.QueryEscape(s.ID)
		}
		all = append(all, v)
	}
	return all
}

// bookings returns the captures and refunds, newest first.
func bookings(o order.Order) []templates.AdminBooking {
	type booking struct {
		at time.Time
		templates.AdminBooking
	}
	var all []booking
	for _, c := range o.Captures {
		all = append(all, booking{c.CapturedAt.Time, templates.AdminBooking{
			What: templates.Badge{Kind: templates.OK, Text: "Captured"}, At: timeText(c.CapturedAt.Time), Amount: form.Amount(c.CapturedAmount),
			Lines: itemsOf(c.OrderLines), Note: noteOf(c.Description, c.Reference), ID: c.CaptureID,
		}})
	}
	for _, f := range o.Refunds {
		all = append(all, booking{f.RefundedAt.Time, templates.AdminBooking{
			What: templates.Badge{Kind: templates.Info, Text: "Refunded"}, At: timeText(f.RefundedAt.Time), Amount: form.Amount(f.RefundedAmount),
			Lines: itemsOf(f.OrderLines), Note: noteOf(f.Description, f.Reference), ID: f.RefundID,
		}})
	}
	slices.SortStableFunc(all, func(a, b booking) int { return b.at.Compare(a.at) })
	var sorted []templates.AdminBooking
	for _, k := range all {
		sorted = append(sorted, k.AdminBooking)
	}
	return sorted
}

func noteOf(description, reference string) string {
	if reference != "" {
		reference = "Reference " + reference
	}
	return strings.Join(nonEmpty(description, reference), " · ")
}

// itemsOf lists lines in words: "5 × Enamel mug, Return fee".
func itemsOf(all []klarna.OrderLine) string {
	if len(all) == 0 {
		return "An amount"
	}
	var names []string
	for _, l := range all {
		name := l.Name
		if l.Quantity != 1 {
			name = quantity(l.Quantity) + form.Space + "×" + form.Space + name
		}
		names = append(names, name)
	}
	return strings.Join(names, ", ")
}

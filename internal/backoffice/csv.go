package backoffice

import (
	"cmp"
	"context"
	"encoding/csv"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/respond"
	"github.com/shopd/shopd/web/templates"
)

const (
	// exportRows is the number of rows in one part.
	exportRows = 200
	// exportTime is the browser's time to take one part. It replaces the server's limit for
	// the whole answer.
	exportTime = 30 * time.Second
)

func (b *Backoffice) exportRoutes(r chi.Router) {
	r.With(respond.Deadline(requestTime)).Get("/admin/exports", b.exports)
	r.Get("/admin/exports/bookings.csv", b.export("bookings", b.bookings))
	for _, f := range []file{orderFile, lineFile, addressFile} {
		r.Get("/admin/exports/"+f.name+".csv", b.export(f.name, b.orderRows(f)))
	}
}

// exports shows the page with links to the files.
func (b *Backoffice) exports(w http.ResponseWriter, r *http.Request) {
	filter, _, err := b.filterOf(r.URL.Query())
	if err != nil {
		b.fail(w, r, err)
		return
	}
	countries, err := b.countries(r.Context())
	if err != nil {
		b.fail(w, r, err)
		return
	}
	n, err := b.notationOf(w, r)
	if err != nil {
		b.fail(w, r, err)
		return
	}
	spans := exportSpans(time.Now().In(b.zone()))
	view := templates.AdminExportsView{
		Filter: filter, Statuses: states, Countries: countries, Notation: n.view(), From: spans[1].From, To: spans[1].To,
	}
	for _, span := range spans {
		query := "?from=" + span.From + "&to=" + span.To
		view.Spans = append(view.Spans, templates.AdminExportSpan{
			Name: span.Name, BookingsURL: "/admin/exports/bookings.csv" + query, OrdersURL: "/admin/exports/orders.csv" + query, LinesURL: "/admin/exports/lines.csv" + query,
		})
	}
	b.page(w, r, http.StatusOK, "Exports", navExports, templates.AdminExports(view))
}

// exportSpan are whole days, the first and the last.
type exportSpan struct{ Name, From, To string }

// exportSpans are the months and years around a day.
func exportSpans(now time.Time) (spans []exportSpan) {
	month, year := now.AddDate(0, 0, 1-now.Day()), now.AddDate(0, 0, 1-now.YearDay())
	for _, s := range []struct {
		name     string
		from, to time.Time
	}{
		{"This month", month, now},
		{"Last month", month.AddDate(0, -1, 0), month.AddDate(0, 0, -1)},
		{"This year", year, now},
		{"Last year", year.AddDate(-1, 0, 0), year.AddDate(0, 0, -1)},
	} {
		spans = append(spans, exportSpan{s.name, s.from.Format(dayForm), s.to.Format(dayForm)})
	}
	return spans
}

// file is a kind of export: its columns, and the rows of an order. Those for bookkeeping have
// no streets, e-mail addresses or names of persons; a company's name and number belong into books.
type file struct {
	name   string
	header []string
	rows   func(notation, order.Order) [][]string
}

var orderFile = file{
	name: "orders",
	header: []string{
		"number", "placed_at", "status", "fraud_status", "purchase_country", "billing_postal_code", "billing_city",
		"shipping_country", "shipping_postal_code", "shipping_city", "currency", "payment_method",
		"original_order_amount", "order_amount", "order_tax_amount", "captured_amount", "refunded_amount", "remaining_amount",
		"captures", "last_captured_at", "refunds", "last_refunded_at", "expires_at",
		"merchant_reference1", "merchant_reference2", "klarna_reference", "order_id", "flags", "state", "checkboxes",
		"customer_type", "organization_name", "organization_registration_id", "vat_id",
		"delivery", "delivery_name", "delivery_type", "delivery_method", "delivery_class", "carrier", "carrier_product", "carrier_product_name",
		"pickup_location_id", "pickup_location", "timeslot_id", "timeslot_start", "timeslot_end", "delivery_extras", "tms_reference",
	},
	rows: func(n notation, o order.Order) [][]string {
		var captured, refunded time.Time
		for _, c := range o.Captures {
			captured = latest(captured, c.CapturedAt.Time)
		}
		for _, c := range o.Refunds {
			refunded = latest(refunded, c.RefundedAt.Time)
		}
		var flags []string
		for _, f := range o.Flags {
			flags = append(flags, string(f))
		}
		return [][]string{append([]string{
			text(o.Number), moment(o.PlacedAt), text(string(o.Status)), text(string(o.FraudStatus)), text(o.PurchaseCountry),
			place(o, o.BillingAddress.PostalCode), place(o, o.BillingAddress.City),
			text(strings.ToUpper(o.ShippingAddress.Country)), place(o, o.ShippingAddress.PostalCode), place(o, o.ShippingAddress.City),
			text(string(o.PurchaseCurrency)), text(o.PaymentMethod.Type),
			n.amount(o.OriginalOrderAmount), n.amount(o.OrderAmount), n.amount(o.OrderTaxAmount),
			n.amount(o.CapturedAmount), n.amount(o.RefundedAmount), n.amount(o.Remaining()),
			strconv.Itoa(len(o.Captures)), moment(captured), strconv.Itoa(len(o.Refunds)), moment(refunded), moment(o.ExpiresAt),
			text(o.MerchantReference1), text(o.MerchantReference2), text(o.KlarnaReference), text(o.OrderID), text(strings.Join(flags, " ")), stateOf(o).Text, checkboxes(o),
		}, append(company(o), delivery(o)...)...)}
	},
}

// delivery are, without what the shopper typed, the cells of the way of delivery that the shopper chose.
func delivery(o order.Order) []string {
	d := o.Delivery
	var extras []string
	for _, a := range d.Addons {
		extras = append(extras, strings.Join(nonEmpty(a.Type, a.ExternalID), " "))
	}
	return []string{
		text(d.ID), text(d.Name), text(d.Type), text(d.Method), text(d.Class), text(d.Carrier), text(d.Product.Identifier), text(d.Product.Name),
		place(o, d.PickupLocation.ID), place(o, d.PickupLocation.Name), place(o, d.Timeslot.ID), place(o, d.Timeslot.Start), place(o, d.Timeslot.End),
		place(o, strings.Join(extras, ", ")), place(o, d.TMSReference),
	}
}

// checkboxes are the answers to the shop's own questions: "newsletter=yes age=no".
func checkboxes(o order.Order) string {
	answers := make([]string, len(o.Checkboxes))
	for i, box := range o.Checkboxes {
		answers[i] = box.ID + "=" + yesNo(box.Checked)
	}
	return place(o, strings.Join(answers, " "))
}

// companyColumns are those of company.
var companyColumns = []string{"customer_type", "organization_name", "organization_registration_id", "vat_id"}

// company are the cells of who has bought, as far as books need them.
func company(o order.Order) []string {
	return []string{place(o, customerType(o)), place(o, o.BillingAddress.OrganizationName), place(o, o.Customer.OrganizationRegistrationID), place(o, o.Customer.VATID)}
}

func customerType(o order.Order) string {
	if o.IsCompany() {
		return market.Organization
	}
	return market.Person
}

func yesNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}

var lineFile = file{
	name: "lines",
	header: []string{
		"number", "placed_at", "status", "purchase_country", "currency", "line", "type", "reference", "name", "quantity", "quantity_unit",
		"unit_price", "tax_rate_percent", "total_discount_amount", "total_amount", "total_tax_amount",
		"captured_quantity", "refunded_quantity", "open_quantity", "unknown_quantity", "captured_amount", "refunded_amount", "state",
	},
	rows: func(n notation, o order.Order) (rows [][]string) {
		for i, s := range o.Lines()[:len(o.OrderLines)] {
			line := s.Line
			rows = append(rows, []string{
				text(o.Number), moment(o.PlacedAt), text(string(o.Status)), text(o.PurchaseCountry), text(string(o.PurchaseCurrency)),
				strconv.Itoa(i + 1), text(string(line.Type)), text(line.Reference), text(line.Name), quantity(line.Quantity), text(line.QuantityUnit),
				n.amount(line.UnitPrice), n.percent(line.TaxRate), n.amount(line.TotalDiscountAmount), n.amount(line.TotalAmount), n.amount(line.TotalTaxAmount),
				quantity(s.Captured), quantity(s.Refunded), quantity(max(o.StillOpen(s)-s.Unknown, 0)), quantity(s.Unknown),
				n.amount(s.CapturedAmount), n.amount(s.RefundedAmount), stateOf(o).Text,
			})
		}
		return rows
	},
}

// place is a part of an address.
func place(o order.Order, part string) string {
	if o.Erased() {
		return "erased"
	}
	return text(part)
}

// addressFile has whole addresses, for whoever sends the goods: two rows for each order, and
// one for the place where it is fetched, whose name is in the column of an organization. It
// is apart from the others, which bookkeeping gets, for it has names and streets.
var addressFile = file{
	name: "addresses",
	header: func() []string {
		columns := []string{"number", "placed_at", "state", "address"}
		for _, m := range new(klarna.Address).Members() {
			columns = append(columns, m.Name)
		}
		return append(columns, "other", "label")
	}(),
	rows: func(_ notation, o order.Order) (rows [][]string) {
		if o.Erased() {
			return nil
		}
		type row struct {
			name string
			klarna.Address
		}
		all := []row{{"billing", o.BillingAddress}, {"shipping", o.ShippingAddress}}
		if at := o.Delivery.PickupLocation; at != (klarna.PickupLocation{}) {
			at.Address.OrganizationName = cmp.Or(at.Address.OrganizationName, at.Name)
			all = append(all, row{"pickup", at.Address})
		}
		for _, a := range all {
			row := []string{text(o.Number), moment(o.PlacedAt), stateOf(o).Text, a.name}
			for _, m := range a.Members() {
				row = append(row, text(*m.Value))
			}
			rows = append(rows, append(row, text(a.Other), text(strings.Join(addressLines(a.Address), ", "))))
		}
		return rows
	},
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// moment formats a time in its own zone, with what that is off UTC: the same hour comes twice
// when summer time ends.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format("2006-01-02 15:04:05 -07:00")
}

// export answers with a file of what the request asks for. Whoever takes one is in the audit first.
func (b *Backoffice) export(name string, write func(context.Context, order.Query, *stream) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		filter, query, err := b.filterOf(r.URL.Query())
		if err != nil {
			b.fail(w, r, err)
			return
		}
		n, err := b.notationOf(w, r)
		if err != nil {
			b.fail(w, r, err)
			return
		}
		out := newStream(w, name, n, b.zone())
		if r.Method == http.MethodHead {
			out.begin()
			return
		}
		if err = b.exported(r.Context(), name+exportOf(filter)); err == nil {
			err = write(r.Context(), query, out)
		}
		if err == nil {
			err = out.end()
		}
		switch {
		case err == nil:
			b.Logger.InfoContext(r.Context(), "exported", "staff", staffOf(r.Context()).Name, "file", name, "rows", out.rows)
		case !out.begun:
			b.fail(w, r, err)
		default:
			if errors.Is(err, order.ErrUnavailable) && r.Context().Err() == nil { // else the browser has left
				b.Logger.ErrorContext(r.Context(), "export broken off", "file", name, "rows", out.rows, "error", err)
			}
			panic(http.ErrAbortHandler) // so that a part is not taken for the whole
		}
	}
}

// exportOf says for the audit of what an export is, without what was searched for.
func exportOf(f templates.AdminFilter) string {
	var parts []string
	for _, field := range f.Fields("") {
		switch {
		case field.Name == "q":
			parts = append(parts, "a search")
		case field.Name != "sort":
			parts = append(parts, field.Name+" "+field.Value)
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return ": " + strings.Join(parts, ", ")
}

// orderRows writes a file of the filtered orders, oldest first.
func (b *Backoffice) orderRows(f file) func(context.Context, order.Query, *stream) error {
	return func(ctx context.Context, q order.Query, out *stream) error {
		out.header = f.header
		return b.Book.Each(ctx, q, func(o order.Order) error {
			for _, row := range f.rows(out.notation, o.In(out.zone)) {
				if err := out.write(row); err != nil {
					return err
				}
			}
			return nil
		})
	}
}

// bookings writes the captures and refunds of the days, by when they were made, a row for each: what was
// refunded is below 0, so that columns add up. Only columns of tax rates that occur are there.
func (b *Backoffice) bookings(ctx context.Context, q order.Query, out *stream) error {
	found, err := b.Book.Bookings(ctx, q.PlacedAfter, q.PlacedBefore)
	if err != nil {
		return err
	}
	out.header = append([]string{"booked_on", "booked_at", "type", "number", "placed_at", "purchase_country", "shipping_country", "currency", "amount", "tax_amount"}, companyColumns...)
	for _, rate := range found.Rates {
		percent := strings.TrimSuffix(strings.TrimRight(money.Amount(rate).Decimal(), "0"), ".")
		out.header = append(out.header, "net_"+percent, "tax_"+percent)
	}
	if found.SalesTax {
		out.header = append(out.header, "sales_tax")
	}
	out.header = append(out.header, "unassigned_amount", "payment_method", "reference", "booking_id", "klarna_reference", "merchant_reference1", "merchant_reference2", "order_id")
	return found.Each(ctx, func(k order.Booking) error {
		n, o, kind, tax := out.notation, k.Order.In(out.zone), "capture", k.SalesTax
		if k.Refund {
			kind = "refund"
		}
		var taxes []string
		for _, rate := range found.Rates {
			at := slices.IndexFunc(k.Taxes, func(t order.Taxed) bool { return t.Rate == rate })
			if at < 0 {
				taxes = append(taxes, "", "")
				continue
			}
			taxes = append(taxes, n.amount(k.Taxes[at].Net), n.amount(k.Taxes[at].Tax))
			tax += k.Taxes[at].Tax
		}
		if found.SalesTax {
			taxes = append(taxes, n.amount(k.SalesTax))
		}
		at := k.At.In(out.zone)
		return out.write(slices.Concat([]string{
			at.Format(dayForm), moment(at), kind, text(o.Number), moment(o.PlacedAt), text(o.PurchaseCountry), text(strings.ToUpper(o.ShippingAddress.Country)), text(string(o.PurchaseCurrency)),
			n.amount(k.Amount), n.amount(tax),
		}, company(o), taxes, []string{
			n.amount(k.Unassigned), text(o.PaymentMethod.Type), text(k.Reference), text(k.ID), text(o.KlarnaReference), text(o.MerchantReference1), text(o.MerchantReference2), text(o.OrderID),
		}))
	})
}

// stream sends a file in parts of exportRows rows. Each part has a time limit of its own.
type stream struct {
	w        http.ResponseWriter
	control  *http.ResponseController
	csv      *csv.Writer
	name     string
	header   []string // set before the first row
	notation notation
	zone     *time.Location
	begun    bool
	rows     int
}

func newStream(w http.ResponseWriter, name string, n notation, zone *time.Location) *stream {
	s := &stream{w: w, control: http.NewResponseController(w), csv: csv.NewWriter(w), name: name, notation: n, zone: zone}
	s.csv.UseCRLF, s.csv.Comma = true, n.rune()
	return s
}

// begin sends the headers. It waits for the first rows: an error before them gets a page.
func (s *stream) begin() {
	h := s.w.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8; header=present")
	h.Set("Content-Disposition", `attachment; filename="`+s.name+"-"+time.Now().In(s.zone).Format(dayForm)+`.csv"`)
	s.w.WriteHeader(http.StatusOK)
	s.begun = true
}

// write adds a row.
func (s *stream) write(row []string) error {
	if !s.begun {
		if err := s.head(); err != nil {
			return err
		}
	}
	if err := s.csv.Write(row); err != nil {
		return err
	}
	if s.rows++; s.rows%exportRows == 0 {
		return s.flush()
	}
	return nil
}

// head writes the names of the columns, after the mark that tells spreadsheets UTF-8.
func (s *stream) head() error {
	s.begin()
	s.allow()
	if _, err := s.w.Write([]byte("\ufeff")); err != nil {
		return err
	}
	return s.csv.Write(s.header)
}

// end writes the rest. A file without orders still has its names.
func (s *stream) end() error {
	if !s.begun {
		if err := s.head(); err != nil {
			return err
		}
	}
	return s.flush()
}

func (s *stream) flush() error {
	s.csv.Flush()
	if err := s.csv.Error(); err != nil {
		return err
	}
	if err := s.control.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	s.allow()
	return nil
}

// allow sets the time limit of the next part.
func (s *stream) allow() { _ = s.control.SetWriteDeadline(time.Now().Add(exportTime)) }

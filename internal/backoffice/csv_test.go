package backoffice_test

import (
	"bufio"
	"database/sql"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/shopd/shopd/internal/aftersale"
	"github.com/shopd/shopd/internal/backoffice"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
)

// olds stores orders that were placed: thousands of sales would take too long.
func (o *office) olds(orders ...order.Order) {
	o.T.Helper()
	ctx := o.T.Context()
	if err := o.DB.Tx(ctx, func(tx *sql.Tx) error {
		for _, kept := range orders {
			kept.ID = "ord_" + kept.OrderID
			record, err := json.Marshal(kept)
			if err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, `insert into orders (id, number, order_id, status, pending, country, currency, order_amount, captured_amount,
				refunded_amount, acknowledged, placed_at, updated_at, revision, record, state)
				values ($9, $2, $1, $3, false, $4, $5, $6, 0, 0, true, $7, $7, 0, $8, $10)`,
				kept.OrderID, kept.Number, string(kept.Status), kept.PurchaseCountry, string(kept.PurchaseCurrency), int64(kept.OrderAmount),
				kept.PlacedAt.UnixMilli(), string(record), kept.ID, string(kept.State())); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		o.T.Fatal(err)
	}
}

// kept makes the n-th order of an export, placed n minutes after noon.
func kept(n int) order.Order {
	digits := strings.NewReplacer("0", "A", "1", "B").Replace(fmt.Sprintf("%08d", n))
	return order.Order{
		Version: 1, Number: "SK-" + digits[:4] + "-" + digits[4:], Key: "key", OrderID: uuid.NewSHA1(uuid.NameSpaceURL, []byte(digits)).String(),
		PlacedAt: time.Date(2026, 11, 20, 12, n, 0, 0, time.UTC), PurchaseCountry: "SE", PurchaseCurrency: "SEK", Locale: "sv-SE",
		OrderAmount: 115200, OrderTaxAmount: 23040, OriginalOrderAmount: 120000, CapturedAmount: 50005, RefundedAmount: 5, RemainingAuthorizedAmount: 65195,
		Status: ordermanagement.PartCaptured, FraudStatus: ordermanagement.FraudAccepted, KlarnaReference: "K4MADNY2",
		PaymentMethod:   ordermanagement.PaymentMethod{Type: "INVOICE", Description: "Pay later"},
		BillingAddress:  klarna.Address{GivenName: "Eva", FamilyName: "Ekström", Email: "eva@example.com", StreetAddress: "Storgatan 1", PostalCode: "111 22", City: "Malmö", Phone: "+46701740615"},
		ShippingAddress: klarna.Address{PostalCode: "333 44", City: "Göteborg, Hisingen", Country: "se"},
		OrderLines: []klarna.OrderLine{
			{Type: klarna.Physical, Reference: "MUG-1", Name: `Enamel mug, "blue"`, Quantity: 3, QuantityUnit: "pcs", UnitPrice: 14900, TaxRate: 2500, TotalAmount: 44700, TotalTaxAmount: 8940},
			{Type: klarna.Discount, Reference: "FOG10", Name: "10 %", Quantity: 1, UnitPrice: -4470, TaxRate: 2500, TotalAmount: -4470, TotalTaxAmount: -894},
		},
		Captures:     []ordermanagement.Capture{{CapturedAmount: 50005, CapturedAt: ordermanagement.Time{Time: time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)}}},
		Refunds:      []ordermanagement.Refund{{RefundedAmount: 5, RefundedAt: ordermanagement.Time{Time: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)}}},
		Acknowledged: true, CartClosed: true, Flags: []order.Flag{order.NotCurrent, order.Oversold}, MerchantReference1: "SK-" + digits[:4] + "-" + digits[4:],
	}
}

// table reads a file and demands the mark of UTF-8 and CRLF.
func table(t *testing.T, body string) [][]string {
	t.Helper()
	text, marked := strings.CutPrefix(body, "\ufeff")
	if !marked || strings.Count(text, "\n") != strings.Count(text, "\r\n") {
		t.Errorf("no mark of UTF-8, or lines that do not end with CRLF: %.80q", body)
	}
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// named is a row by the names of the columns.
func named(rows [][]string, n int) map[string]string {
	row := map[string]string{}
	for i, name := range rows[0] {
		row[name] = rows[n][i]
	}
	return row
}

func TestExportOrders(t *testing.T) {
	o := newOffice(t)
	second, cancelled := kept(2), kept(3)
	second.Checkboxes = []order.Checkbox{{ID: "news", Text: "Send me the news", Checked: true}, {ID: "age", Text: "I am 18"}}
	second.Delivery = order.Delivery{
		ID: "agent", Name: "=Agent", Type: "pickup", Method: "PickUpPoint", Class: "standard", Carrier: "Post", Product: klarna.CarrierProduct{Identifier: "19", Name: "Collect"},
		Timeslot: klarna.Timeslot{ID: "t1", Start: "17:00", End: "21:00"}, PickupLocation: klarna.PickupLocation{ID: "p1", Name: "Kiosk", Address: klarna.Address{City: "Lund"}},
		TMSReference: "tms-1", Addons: klarna.Addons{{Type: "sms", ExternalID: "x1", UserInput: "Eva at the door"}},
	}
	cancelled.Status, cancelled.Captures, cancelled.Refunds, cancelled.Flags, cancelled.PurchaseCountry = ordermanagement.Cancelled, nil, nil, nil, "NO"
	o.olds(second, kept(1), cancelled)
	v := o.clerk("bo")
	got := v.Get("/admin/exports/orders.csv")
	if got.StatusCode != http.StatusOK || got.Header.Get("Content-Type") != "text/csv; charset=utf-8; header=present" ||
		!strings.HasPrefix(got.Header.Get("Content-Disposition"), `attachment; filename="orders-20`) || got.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("got %d %v", got.StatusCode, got.Header)
	}
	rows := table(t, got.Text)
	if len(rows) != 4 || rows[1][0] != kept(1).Number || rows[3][0] != cancelled.Number {
		t.Fatalf("got %d rows: %q", len(rows), rows)
	}
	want := map[string]string{
		"number": second.Number, "placed_at": "2026-11-20 12:02:00 +00:00", "status": "PART_CAPTURED", "fraud_status": "ACCEPTED", "purchase_country": "SE",
		"billing_postal_code": "111 22", "billing_city": "Malmö", "shipping_country": "SE", "shipping_postal_code": "333 44", "shipping_city": "Göteborg, Hisingen",
		"currency": "SEK", "payment_method": "INVOICE", "original_order_amount": "1200.00", "order_amount": "1152.00", "order_tax_amount": "230.40",
		"captured_amount": "500.05", "refunded_amount": "0.05", "remaining_amount": "651.95", "captures": "1", "last_captured_at": "2026-11-21 09:00:00 +00:00",
		"refunds": "1", "last_refunded_at": "2026-11-22 09:00:00 +00:00", "expires_at": "", "merchant_reference1": second.Number, "merchant_reference2": "",
		"klarna_reference": "K4MADNY2", "order_id": second.OrderID, "flags": "not_current oversold", "state": "Partly captured", "checkboxes": "news=yes age=no",
		"customer_type": "person", "organization_name": "", "organization_registration_id": "", "vat_id": "",
		"delivery": "agent", "delivery_name": "'=Agent", "delivery_type": "pickup", "delivery_method": "PickUpPoint", "delivery_class": "standard",
		"carrier": "Post", "carrier_product": "19", "carrier_product_name": "Collect", "pickup_location_id": "p1", "pickup_location": "Kiosk",
		"timeslot_id": "t1", "timeslot_start": "17:00", "timeslot_end": "21:00", "delivery_extras": "sms x1", "tms_reference": "tms-1",
	}
	if diff := cmp.Diff(want, named(rows, 2)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"Send me the news", "Yes", "I am 18", "No"}, v.look("/admin/orders/" + second.Number).texts("section:not([data-part=delivery]) dl.kv dt, section:not([data-part=delivery]) dl.kv dd")[:4]); diff != "" {
		t.Errorf("the answers on the page: %s", diff)
	}
	delivery := []string{
		"Chosen", "=Agent agent · pickup · Pick-up point · standard", "Pick up at", "Kiosk Lund", "Carrier", "Post, Collect", "Time", "17:00–21:00", "Extras", "sms: Eva at the door", "Delivery reference", "tms-1",
	}
	if diff := cmp.Diff(delivery, v.look("/admin/orders/"+second.Number).texts("[data-part=delivery] dt, [data-part=delivery] dd")); diff != "" {
		t.Errorf("the delivery on the page: %s", diff)
	}
	if last := named(rows, 3); last["remaining_amount"] != "0.00" || last["last_captured_at"] != "" || last["flags"] != "" {
		t.Errorf("a cancelled order: %v", last)
	}
	for _, personal := range []string{"Eva", "Ekström", "eva@example.com", "Storgatan", "+4670"} {
		if strings.Contains(got.Text, personal) {
			t.Errorf("the file has %q", personal)
		}
	}
	for query, want := range map[string]int{
		"?country=SE": 2, "?country=FI": 0, "?status=CANCELLED": 1, "?status=&country=": 3, "?from=2026-11-20&to=2026-11-20": 3,
		"?from=2026-11-21": 0, "?to=2026-11-19": 0, "?country=NO&status=PART_CAPTURED": 0,
	} {
		if rows := table(t, v.Get("/admin/exports/orders.csv"+query).Text); len(rows) != 1+want {
			t.Errorf("%s: %d rows, want %d", query, len(rows)-1, want)
		}
	}
}

// Whole addresses are in a file of their own, member by member and as they are written.
func TestExportAddresses(t *testing.T) {
	o := newOffice(t)
	one := kept(1)
	one.ShippingAddress = klarna.Address{GivenName: "Eva", FamilyName: "Ek", CareOf: "Bo Ek", StreetName: "Weg", StreetNumber: "1", HouseExtension: "b", PostalCode: "10115", City: "Berlin", Country: "de", Other: `{"door_code":"12"}`}
	o.olds(one)
	row := named(table(t, o.clerk("bo").Get("/admin/exports/addresses.csv").Text), 2)
	for name, want := range map[string]string{
		"number": one.Number, "address": "shipping", "care_of": "Bo Ek", "street_name": "Weg", "street_number": "1", "house_extension": "b", "other": `{"door_code":"12"}`,
		"label": "Eva Ek, c/o Bo Ek, Weg 1 b, 10115 Berlin, door code: 12, Germany", "state": "Partly captured",
	} {
		if row[name] != want {
			t.Errorf("%s is %q, want %q", name, row[name], want)
		}
	}
}

func TestExportLines(t *testing.T) {
	o := newOffice(t)
	first, evil := kept(1), kept(2)
	evil.OrderLines = nil
	for i, name := range []string{`=HYPERLINK("http://evil.example","x")`, "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "a=b", "", "Stad;=cmd|' /C calc'!A0", `Stad;"=1"`, "x, +46 70", "Kim - Bo -3", "x|@y", "＝1"} {
		evil.OrderLines = append(evil.OrderLines, klarna.OrderLine{Type: klarna.Physical, Reference: fmt.Sprint("-", i), Name: name, Quantity: 1})
	}
	two, _, err := order.Take(first.OrderLines[:1], []int64{2})
	if err != nil {
		t.Fatal(err)
	}
	first.Captures[0].OrderLines = two
	o.olds(first, evil)
	rows := table(t, o.clerk("ada").Get("/admin/exports/lines.csv").Text)
	if len(rows) != 1+2+len(evil.OrderLines) {
		t.Fatalf("%d rows", len(rows))
	}
	want := []map[string]string{
		{
			"number": first.Number, "placed_at": "2026-11-20 12:01:00 +00:00", "status": "PART_CAPTURED", "purchase_country": "SE", "currency": "SEK", "line": "1",
			"type": "physical", "reference": "MUG-1", "name": `Enamel mug, "blue"`, "quantity": "3", "quantity_unit": "pcs", "unit_price": "149.00",
			"tax_rate_percent": "25.00", "total_discount_amount": "0.00", "total_amount": "447.00", "total_tax_amount": "89.40",
			"captured_quantity": "2", "refunded_quantity": "0", "open_quantity": "0", "unknown_quantity": "1", "captured_amount": "298.00", "refunded_amount": "0.00", "state": "Partly captured",
		},
		{
			"number": first.Number, "placed_at": "2026-11-20 12:01:00 +00:00", "status": "PART_CAPTURED", "purchase_country": "SE", "currency": "SEK", "line": "2",
			"type": "discount", "reference": "FOG10", "name": "10 %", "quantity": "1", "quantity_unit": "", "unit_price": "-44.70",
			"tax_rate_percent": "25.00", "total_discount_amount": "0.00", "total_amount": "-44.70", "total_tax_amount": "-8.94",
			"captured_quantity": "0", "refunded_quantity": "0", "open_quantity": "0", "unknown_quantity": "1", "captured_amount": "0.00", "refunded_amount": "0.00", "state": "Partly captured",
		},
	}
	if diff := cmp.Diff(want, []map[string]string{named(rows, 1), named(rows, 2)}); diff != "" {
		t.Error(diff)
	}
	// Nothing that a shopper or a product says is a formula; a lone \r is left out.
	var names []string
	for n := 3; n < len(rows); n++ {
		row := named(rows, n)
		names = append(names, row["name"])
		if row["reference"] != fmt.Sprint("'-", n-3) {
			t.Errorf("reference %q", row["reference"])
		}
	}
	if diff := cmp.Diff([]string{`'=HYPERLINK("http://evil.example","x")`, "'+1+1", "'-2+3", "'@SUM(A1)", "\t'=1", "'=1", "a=b", "", "Stad;'=cmd|' /C calc'!A0", `Stad;"'=1"`, "x, '+46 70", "Kim - Bo '-3", "x|'@y", "'＝1"}, names); diff != "" {
		t.Error(diff)
	}
}

// What can no longer be captured is not open: neither in the file nor for the API.
func TestExportNotOpen(t *testing.T) {
	o := newOffice(t)
	cancelled := o.do(o.sale(1).OrderID, order.Command{Action: aftersale.Cancel.Name})
	released := o.do(o.capture(o.sale(3), 1, 0, 0, 0, 0).OrderID, order.Command{Action: aftersale.Release.Name})
	expired := o.sale(2)
	o.Fake.Advance(60 * 24 * time.Hour)
	expired, err := o.Book.Refresh(t.Context(), expired.OrderID)
	if err != nil || expired.Status != ordermanagement.Expired {
		t.Fatalf("the order is %s, %v", expired.Status, err)
	}
	open := o.sale(4)
	rows := table(t, o.clerk("ada").Get("/admin/exports/lines.csv").Text)
	for n := 1; n < len(rows); n++ {
		row := named(rows, n)
		if row["reference"] != "MUG-1" {
			continue
		}
		want := map[string]string{cancelled.Number: "0 of 1, 0", released.Number: "0 of 3, 1", expired.Number: "0 of 2, 0", open.Number: "4 of 4, 0"}[row["number"]]
		if got := row["open_quantity"] + " of " + row["quantity"] + ", " + row["captured_quantity"]; got != want {
			t.Errorf("%s: open %s are captured, want %s", row["state"], got, want)
		}
	}
}

func TestExportRefused(t *testing.T) {
	o := newOffice(t)
	o.olds(kept(1))
	for _, path := range []string{"/admin/exports", "/admin/exports/orders.csv", "/admin/exports/lines.csv", "/admin/exports/bookings.csv"} {
		got := o.Browser().Get(path)
		if got.StatusCode != http.StatusSeeOther || !strings.HasPrefix(got.Header.Get("Location"), "/admin/sign-in") || strings.Contains(got.Text, "SK-") {
			t.Errorf("%s without a session: %d %s", path, got.StatusCode, got.Text)
		}
		if got := o.clerk("ada").Submit(path, nil); got.StatusCode != http.StatusMethodNotAllowed && got.StatusCode != http.StatusNotFound {
			t.Errorf("POST %s: %d", path, got.StatusCode)
		}
		for _, query := range []string{"?from=yesterday", "?to=2026-02-30", "?country=XX", "?status=GONE", "?separator=tab", "?decimal=x"} {
			if got := o.clerk("bo").Get(path + query); got.StatusCode != http.StatusBadRequest || strings.Contains(got.Text, "SK-") {
				t.Errorf("%s%s: %d", path, query, got.StatusCode)
			}
		}
	}
	if got := o.clerk("bo").Get("/admin/exports"); got.StatusCode != http.StatusOK || !strings.Contains(got.Text, "/admin/exports/lines.csv?from=") {
		t.Errorf("the page: %d", got.StatusCode)
	}
	if got := o.clerk("bo").Form(http.MethodHead, "/admin/exports/orders.csv", nil); got.StatusCode != http.StatusOK || got.Text != "" {
		t.Errorf("HEAD: %d %q", got.StatusCode, got.Text)
	}
}

// Captures and refunds are exported by the day on which they were made, one row each, in the notation that
// was asked for and is remembered; and the audit says who took them.
func TestExportBookings(t *testing.T) {
	o := newOffice(t)
	one := kept(1)
	one.PlacedAt = time.Date(2026, 10, 1, 12, 0, 0, 0, time.UTC)
	one.BillingAddress.OrganizationName, one.Customer.OrganizationRegistrationID, one.Customer.VATID = "Ek;=AB", "556016-0680", "SE556016068001"
	one.Captures[0].CaptureID, one.Captures[0].Reference, one.Captures[0].OrderLines, one.Captures[0].CapturedAmount = "c1", "bill 1", one.OrderLines, 40230
	one.Refunds[0].RefundID, one.Refunds[0].RefundedAmount = "r1", 5
	one.CapturedAmount = 40230
	o.olds(one)
	o.Exec("update orders set captured_amount = 40230, updated_at = 1796000000000")
	ada := o.clerk("ada")
	rows := func(query string) [][]string {
		t.Helper()
		reader := csv.NewReader(strings.NewReader(strings.TrimPrefix(ada.Get("/admin/exports/bookings.csv"+query).Text, "\ufeff")))
		reader.Comma = ';'
		all, err := reader.ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	all := rows("?from=2026-11-21&to=2026-11-22&separator=semicolon&decimal=comma")
	if len(all) != 3 {
		t.Fatal(all)
	}
	want := map[string]string{
		"booked_on": "2026-11-21", "booked_at": "2026-11-21 09:00:00 +00:00", "type": "capture", "number": one.Number, "placed_at": "2026-10-01 12:00:00 +00:00",
		"purchase_country": "SE", "shipping_country": "SE", "currency": "SEK", "amount": "402,30", "tax_amount": "80,46", "net_25": "321,84", "tax_25": "80,46",
		"unassigned_amount": "0,00", "customer_type": "organization", "organization_name": "Ek;'=AB", "organization_registration_id": "556016-0680", "vat_id": "SE556016068001",
		"payment_method": "INVOICE", "reference": "bill 1", "booking_id": "c1", "klarna_reference": "K4MADNY2", "merchant_reference1": one.Number, "merchant_reference2": "", "order_id": one.OrderID,
	}
	if diff := cmp.Diff(want, named(all, 1)); diff != "" {
		t.Error(diff)
	}
	if back := named(all, 2); back["type"] != "refund" || back["amount"] != "-0,05" || back["net_25"] != "-0,04" || back["tax_amount"] != "-0,01" {
		t.Errorf("the refund: %v", back)
	}
	for query, want := range map[string]int{"": 2, "?from=2026-11-22": 1, "?to=2026-11-21": 1, "?from=2026-10-01&to=2026-10-31": 0} {
		if n := len(rows(query)) - 1; n != want {
			t.Errorf("%q: %d bookings, want %d", query, n, want)
		}
	}
	if again := ada.Get("/admin/exports/orders.csv").Text; !strings.Contains(again, ";402,30;") {
		t.Errorf("the notation is not remembered: %s", again)
	}
	if page := ada.look("/admin/exports"); page.Find("#booked-separator [selected]").AttrOr("value", "") != "semicolon" {
		t.Error("the page does not have the notation that was chosen")
	}
	if first := o.clerk("bo").Get("/admin/exports/orders.csv?q=Eva&status=").Text; !strings.Contains(first, "number,placed_at") {
		t.Errorf("another browser: %s", first)
	}
	page := strings.Join(o.clerk("bo").look("/admin/log").texts("tbody tr"), "\n")
	for _, part := range []string{"adaExportBegunbookings: from 2026-11-21, to 2026-11-22", "boExportBegunorders: a search", "adaSign-inSigned in"} {
		if !strings.Contains(page, part) {
			t.Errorf("the audit has no %q: %s", part, page)
		}
	}
	o.Exec("alter table staff_log rename to gone")
	if got := ada.Get("/admin/exports/bookings.csv"); got.StatusCode != http.StatusServiceUnavailable || strings.Contains(got.Text, one.Number) {
		t.Errorf("without the audit: %d", got.StatusCode)
	}
	o.Exec("alter table gone rename to staff_log")
}

// A large file is sent as it is read, to a server that allows much less time for an
// answer than it takes; memory does not grow with it.
func TestExportStreams(t *testing.T) {
	o := newOffice(t)
	const many = 4000
	orders := make([]order.Order, many)
	for i := range orders {
		orders[i] = kept(i)
		orders[i].MerchantReference2 = strings.Repeat("x", 3000) // more than sockets hold
	}
	for some := range slices.Chunk(orders, 500) { // a transaction has a time limit
		o.olds(some...)
	}
	v := o.clerk("bo")
	impatient := httptest.NewUnstartedServer(o.Server.Handler())
	impatient.Config.WriteTimeout = 50 * time.Millisecond
	impatient.Start()
	defer impatient.Close()

	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, impatient.URL+"/admin/exports/orders.csv", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Cookie", "shopd-staff="+v.Cookie("shopd-staff"))
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body := bufio.NewReaderSize(res.Body, 1<<10)
	if _, err := body.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	// The server stands still when the browser does: sockets hold a part of the file.
	time.Sleep(300 * time.Millisecond)
	if _, err := body.Discard(3); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(io.MultiReader(strings.NewReader("SK-"), body)).ReadAll()
	if err != nil || len(rows) != many {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	var sum money.Amount
	for _, row := range rows {
		amount, ok := money.ParseDecimal(row[13])
		if !ok {
			t.Fatalf("amount %q", row[13])
		}
		sum += amount
	}
	if sum != many*115200 {
		t.Errorf("the amounts sum to %d", sum)
	}
}

// The orders cannot be read: before the first row that is a page, afterwards the connection
// breaks, so that no part is taken for the whole.
func TestExportBrokenOff(t *testing.T) {
	o := newOffice(t)
	orders := make([]order.Order, 600)
	for i := range orders {
		orders[i] = kept(i)
	}
	for some := range slices.Chunk(orders, 500) { // a transaction has a time limit
		o.olds(some...)
	}
	v := o.clerk("bo")
	o.SetRecord(orders[450].OrderID, "{") // of the third part that is read
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, o.URL+"/admin/exports/orders.csv", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Cookie", "shopd-staff="+v.Cookie("shopd-staff"))
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.ReadAll(res.Body)
	_ = res.Body.Close()
	if err == nil {
		t.Error("a part of the file looks like the whole")
	}
	if !strings.Contains(o.Log.String(), "export broken off") {
		t.Error("the log does not tell")
	}
	o.SetRecord(orders[0].OrderID, "{")
	if got := v.Get("/admin/exports/orders.csv"); got.StatusCode != http.StatusServiceUnavailable || strings.Contains(got.Text, "SK-") {
		t.Errorf("without the first: %d %.100s", got.StatusCode, got.Text)
	}
}

// The months and years of the exports are whole ones, in leap years too.
func TestExportSpans(t *testing.T) {
	for day, want := range map[string][4]string{
		"2026-11-30": {"2026-11-01 2026-11-30", "2026-10-01 2026-10-31", "2026-01-01 2026-11-30", "2025-01-01 2025-12-31"},
		"2027-01-01": {"2027-01-01 2027-01-01", "2026-12-01 2026-12-31", "2027-01-01 2027-01-01", "2026-01-01 2026-12-31"},
		"2028-02-29": {"2028-02-01 2028-02-29", "2028-01-01 2028-01-31", "2028-01-01 2028-02-29", "2027-01-01 2027-12-31"},
		"2028-03-01": {"2028-03-01 2028-03-01", "2028-02-01 2028-02-29", "2028-01-01 2028-03-01", "2027-01-01 2027-12-31"},
		"2028-12-31": {"2028-12-01 2028-12-31", "2028-11-01 2028-11-30", "2028-01-01 2028-12-31", "2027-01-01 2027-12-31"},
		"2029-03-01": {"2029-03-01 2029-03-01", "2029-02-01 2029-02-28", "2029-01-01 2029-03-01", "2028-01-01 2028-12-31"},
	} {
		for _, clock := range []string{"00:00:00", "23:59:59"} {
			now, err := time.Parse(time.DateTime, day+" "+clock)
			if err != nil {
				t.Fatal(err)
			}
			var got [4]string
			for i, s := range backoffice.ExportSpans(now) {
				got[i] = s.From + " " + s.To
			}
			if got != want {
				t.Errorf("on %s at %s: %q, want %q", day, clock, got, want)
			}
		}
	}
}

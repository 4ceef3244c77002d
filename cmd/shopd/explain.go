package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/v1"

	"github.com/shopd/shopd/examples/skerry"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/publish"
	"github.com/shopd/shopd/internal/yamlfile"
)

// maxCartFile bounds a cart file, in bytes.
const maxCartFile = 1 << 20

// explain prints the request that the cart in a file would send to Klarna, the arithmetic
// of each amount, and the rule that the request breaks. The cart is filled as the shop's
// pages fill it, and becomes an order as in a callback with its address. It makes no call.
// A cart that the shop or Klarna would refuse is an error.
func explain(_ context.Context, e *env) error {
	e.ownShop, e.ownGoods = skerry.Files()
	version, err := e.version()
	if err != nil {
		return err
	}
	c, address, err := readCart(e.args[0], version)
	if err != nil {
		return err
	}
	x, err := newExplainer(version)
	if err != nil {
		return err
	}
	if err := x.explain(e.stdout, c, address); err != nil {
		return fmt.Errorf("%s: %w", e.args[0], err)
	}
	return nil
}

// version is what the files of -shop and -catalog make, the command's own without.
func (e *env) version() (*publish.Version, error) {
	v := e.problems()
	e.readFiles(v)
	if err := v.err(); err != nil {
		return nil, err
	}
	return publish.ReadFiles(e.ownShop, e.ownGoods)
}

// explainer makes the orders of carts as callbacks do, without a call.
type explainer struct {
	wants  *kco.Wants
	signer *kco.Signer
}

func newExplainer(version *publish.Version) (*explainer, error) {
	signer, err := kco.NewSigner("explain signs nothing that is ever sent")
	if err != nil {
		return nil, err
	}
	const publicURL = "https://shop.example"
	return &explainer{signer: signer, wants: &kco.Wants{
		Pricer: &cart.Pricer{Published: publish.Fixed(version), PublicURL: publicURL}, Signer: signer, PublicURL: publicURL, CallbackURL: publicURL,
	}}, nil
}

// explain prints the request that a cart would send, and the arithmetic. The error is why
// it would not be sent, or Klarna would refuse it.
func (x *explainer) explain(w io.Writer, c cart.Cart, address cart.Address) error {
	c, content, quote, refused := x.wants.Following(&c, address, "", nil)
	_, rule := errors.AsType[*klarna.RuleError](refused)
	if refused != nil && !rule {
		return fmt.Errorf("the shop refuses this cart: %w", refused)
	}
	content.MerchantData = "v1.<cart ID>.<signature>"

	if refused == nil && quote.Free() {
		_, _ = fmt.Fprintln(w, "There is nothing to pay: nothing is sent to Klarna. The checkout has a form of the shop's own, and places an order that Klarna never sees.")
		explainQuote(w, quote, c)
		return nil
	}
	var body strings.Builder
	request := json.NewEncoder(&body)
	request.SetEscapeHTML(false)
	request.SetIndent("", "  ")
	if err := request.Encode(content); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(w, "POST /checkout/v3/orders\n%s", strings.ReplaceAll(body.String(), x.signer.CallbackToken(), "<token>"))
	explainQuote(w, quote, c)
	if refused != nil {
		return fmt.Errorf("klarna would refuse this order: %w", refused)
	}
	if quote.Empty() {
		return errors.New("there is nothing to sell in this cart: no order would be made")
	}
	_, _ = fmt.Fprintln(w, "\nKlarna's rules are satisfied.")
	return nil
}

// readCart reads a cart file, in the format of docs/explain.md, and fills a cart as the
// shop's pages do. address is where the order goes, and the way of delivery. The error
// names each problem with its line and member.
func readCart(name string, version *publish.Version) (c cart.Cart, address cart.Address, err error) {
	data, err := readFile(name)
	if err != nil {
		return c, address, err
	}
	root, err := yamlfile.Parse(data)
	if err != nil {
		return c, address, fmt.Errorf("%s: %w", name, err)
	}
	f := cartFile{version: version}
	c, address = f.read(root)
	if err := f.Err(); err != nil {
		return c, address, fmt.Errorf("%s: %w", name, err)
	}
	return c, address, nil
}

// readFile returns a file of at most maxCartFile bytes; "-" is the standard input.
func readFile(name string) ([]byte, error) {
	file := os.Stdin
	if name != "-" {
		var err error
		if file, err = os.Open(name); err != nil { //nolint:gosec // the file that the user names
			return nil, err
		}
		defer func() { _ = file.Close() }()
	}
	data, err := io.ReadAll(io.LimitReader(file, maxCartFile+1))
	if err == nil && len(data) > maxCartFile {
		err = fmt.Errorf("%s: more than %d bytes", name, maxCartFile)
	}
	return data, err
}

// cartFile checks a cart that a person wrote, or the JSON answer of GET /cart.
type cartFile struct {
	yamlfile.Checker
	version *publish.Version
}

// read makes the changes of the cart one after the other, so that each problem has a line.
func (f *cartFile) read(root *yamlfile.Node) (c cart.Cart, address cart.Address) {
	// What only GET /cart answers is ignored: it follows from the rest.
	m := f.Object(root, "", []string{"lines"}, "country", "locale", "discount_code", "shipping_option", "ship_to",
		"revision", "currency", "campaigns", "total_amount", "total_tax_amount", "unavailable", "discount_problem")
	c.ID = "explain"
	in := f.market(m, &c)
	seen := map[string]int{}
	for i, line := range f.Array(m["lines"], "lines") {
		path := fmt.Sprintf("lines[%d]", i)
		n := f.Object(line, path, []string{"sku", "quantity"}, "name", "unit_price", "total_amount")
		sku, quantity := f.Text(n["sku"], path+".sku", 64), f.Number(n["quantity"], path+".quantity", 1, cart.MaxQuantity)
		if first, twice := seen[sku]; twice && sku != "" {
			f.Fail(n["sku"].Line, path+".sku", "%q is in lines[%d] already", sku, first)
			continue
		}
		seen[sku] = i
		if sku == "" || quantity == 0 {
			continue // said already
		}
		switch err := c.Apply(cart.Change{Add: []cart.Line{{SKU: sku, Quantity: quantity}}}, f.version, nil); {
		case errors.Is(err, cart.ErrUnknownSKU):
			f.Fail(n["sku"].Line, path+".sku", "%q is not in the catalogue", sku)
		case err != nil:
			f.Fail(line.Line, path, "%v", err)
		}
	}
	if code := f.Optional(m["discount_code"], "discount_code", maxCode); code != "" {
		if err := c.Apply(cart.Change{DiscountCode: &code}, f.version, nil); err != nil {
			f.Fail(m["discount_code"].Line, "discount_code", "%q is the code of no campaign", code)
		}
	}
	return c, f.shipTo(m, in)
}

const maxCode = 64 // characters of a discount code, at most

// market reads country and locale into c.
func (f *cartFile) market(m map[string]*yamlfile.Node, c *cart.Cart) market.Market {
	sold := f.version.Markets
	country := cmp.Or(f.Optional(m["country"], "country", 2), sold[0].Country)
	in, served := sold.Lookup(country)
	if !served {
		f.Fail(m["country"].Line, "country", "nothing is sold in %q; the countries are %v", country, sold.Countries())
		in = sold[0]
	}
	locale := cmp.Or(f.Optional(m["locale"], "locale", 35), in.Locales[0])
	if served && !in.HasLocale(locale) {
		f.Fail(m["locale"].Line, "locale", "%q is not one of %v", locale, in.Locales)
		locale = in.Locales[0]
	}
	c.Country, c.Locale = in.Country, locale
	return in
}

// shipTo reads where the order goes, and the way of delivery.
func (f *cartFile) shipTo(m map[string]*yamlfile.Node, in market.Market) cart.Address {
	a := cart.Address{BillingCountry: in.Country, ShippingCountry: in.Country}
	to := map[string]*yamlfile.Node{}
	if m["ship_to"] != nil {
		to = f.Object(m["ship_to"], "ship_to", nil, "country", "region", "postal_code")
	}
	a.ShippingCountry = cmp.Or(f.Optional(to["country"], "ship_to.country", 2), in.Country)
	a.Region = f.Optional(to["region"], "ship_to.region", 99)
	a.PostalCode = f.Optional(to["postal_code"], "ship_to.postal_code", 32)
	delivery, served := in.DeliveryTo(a.ShippingCountry, a.PostalCode)
	if !served {
		f.Fail(to["country"].Line, "ship_to.country", "nothing is delivered to %q; the countries are %v", a.ShippingCountry, in.Destinations())
		return a
	}
	if _, known := delivery.Region(a.Region); !known {
		f.Fail(to["region"].Line, "ship_to.region", "%q is not a region of %s whose tax is known", a.Region, a.ShippingCountry)
	}
	if a.Option = f.Optional(m["shipping_option"], "shipping_option", 101); a.Option != "" {
		var ids []string
		for _, o := range in.Choices() {
			ids = append(ids, o.ID)
		}
		if !slices.Contains(ids, a.Option) {
			f.Fail(m["shipping_option"].Line, "shipping_option", "%q is not one of %v", a.Option, ids)
		}
	}
	return a
}

// explainQuote prints how all that a cart comes to comes about.
func explainQuote(w io.Writer, q cart.Quote, c cart.Cart) {
	explainAmounts(w, q, c.Region())
	explainCampaigns(w, q, c)
	explainDelivery(w, q)
}

// explainDelivery prints how the price of a delivery is split, where the goods have several tax rates.
func explainDelivery(w io.Writer, q cart.Quote) {
	if q.Shipping == nil || len(q.Shipping.Parts) < 2 {
		return
	}
	var of money.Amount
	for _, part := range q.Shipping.Parts {
		of += part.Goods // part of what the goods cost, which fits
	}
	_, _ = fmt.Fprintf(w, "\ndelivery %s: %d, in the proportion of the goods of each tax rate, so that the parts sum to it\n", q.Shipping.ID, q.Shipping.Price)
	for _, part := range q.Shipping.Parts {
		_, _ = fmt.Fprintf(w, "  %s  %d × %d / %d = %d\n", percent(part.Rate), q.Shipping.Price, part.Goods, of, part.Amount)
	}
}

// percent is a tax rate as it is spoken of.
func percent(r money.TaxRate) string { return strconv.FormatFloat(float64(r)/1000, 'f', -1, 64) + " %" }

// explainCuts prints what a campaign takes off the goods of each tax rate.
func explainCuts(w io.Writer, j cart.Judged) {
	var of money.Amount
	for _, cut := range j.Cuts {
		of += cut.Of // part of what the goods cost, which fits
	}
	for _, cut := range j.Cuts {
		how := fmt.Sprintf("%d × %d / %d", j.Off, cut.Of, of)
		switch {
		case j.Percent > 0:
			how = fmt.Sprintf("%d × %d / 10000", cut.Of, j.Percent)
		case j.Buy > 0:
			how = fmt.Sprintf("the cheapest pieces of %d", cut.Of)
		}
		_, _ = fmt.Fprintf(w, "  %s  %s = %d\n", percent(cut.Rate), how, cut.Off)
	}
}

// explainCampaigns prints which campaigns take how much off, and why the others do not.
func explainCampaigns(w io.Writer, q cart.Quote, c cart.Cart) {
	if len(q.Campaigns) > 0 {
		_, _ = fmt.Fprintln(w)
	}
	for _, j := range q.Campaigns {
		name := j.ID
		if j.Code != "" {
			name += " (" + j.Code + ")"
		}
		if j.Why != "" {
			_, _ = fmt.Fprintf(w, "campaign %s: nothing off: %s\n", name, whyNot(j, q.Currency))
			continue
		}
		of := "the goods"
		if !j.OffGoods() {
			of = "the delivery"
		}
		_, _ = fmt.Fprintf(w, "campaign %s: %d off %s\n", name, j.Off, of)
		explainCuts(w, j)
	}
	if q.NoDiscount() == cart.CodeWithdrawn {
		_, _ = fmt.Fprintf(w, "\nThe code %s is that of no campaign.\n", c.DiscountCode)
	}
}

// whyNot says why a campaign takes nothing off.
func whyNot(j cart.Judged, currency money.Currency) string {
	switch j.Why {
	case cart.NotYet:
		return "it begins on " + j.From.Format(time.DateOnly)
	case cart.Expired:
		return "it was over after " + j.Until.AddDate(0, 0, -1).Format(time.DateOnly)
	case cart.UsedUp:
		return "it is used up"
	case cart.NotHere:
		return "it has no amount or minimum in " + string(currency)
	case cart.NothingSold:
		return "nothing in the cart is for sale"
	case cart.Minimum:
		return fmt.Sprintf("the goods must cost at least %d", j.Minimum[currency])
	case cart.OnlyVouchers:
		return "there are vouchers only, of which nothing is taken off"
	case cart.NothingFor:
		return "nothing in the cart is what it is for"
	case cart.TooFew:
		return fmt.Sprintf("there are fewer than %d pieces", j.Buy)
	case cart.OtherDelivery:
		return "it is for other ways of delivery: " + strings.Join(j.FreeDelivery, ", ")
	case cart.NoCode:
		return "the cart does not have its code"
	case cart.LessOff:
		return "another one that applies by itself takes as much off, or more"
	case cart.NothingOff, cart.CodeWithdrawn:
	}
	return "it comes to nothing, or what it is for costs nothing"
}

// explainAmounts prints the arithmetic of each line and of the sums, in minor units.
func explainAmounts(w io.Writer, q cart.Quote, region string) {
	taxOf := func(line klarna.OrderLine) string {
		if line.TaxRate == 0 {
			return "no tax"
		}
		return fmt.Sprintf("%d × %d / %d = %d, rounded half away from zero",
			line.TotalAmount, line.TaxRate, 10000+line.TaxRate, line.TotalTaxAmount)
	}
	var amounts, taxes []string
	for i, line := range q.OrderLines {
		_, _ = fmt.Fprintf(w, "\norder_lines[%d] %s %s\n", i, line.Type, cmp.Or(line.Reference, line.Name))
		_, _ = fmt.Fprintf(w, "  total_amount      %d × %d − %d = %d\n", line.Quantity, line.UnitPrice, line.TotalDiscountAmount, line.TotalAmount)
		if line.Type == klarna.SalesTax {
			rate := q.Delivery.SalesTaxRate(region)
			_, _ = fmt.Fprintf(w, "  of %s  %d × %d / 100000 = %d, rounded half away from zero\n", percent(rate), q.Taxable, rate, line.TotalAmount)
		}
		_, _ = fmt.Fprintf(w, "  total_tax_amount  %s\n", taxOf(line))
		amounts = append(amounts, fmt.Sprint(line.TotalAmount))
		tax := line.TotalTaxAmount
		if line.Type == klarna.SalesTax {
			tax = line.TotalAmount
		}
		taxes = append(taxes, fmt.Sprint(tax))
	}
	sum := func(name string, parts []string, total money.Amount) {
		_, _ = fmt.Fprintf(w, "%-18s  %s = %d\n", name, cmp.Or(strings.Join(parts, " + "), "0"), total)
	}
	_, _ = fmt.Fprintln(w)
	sum("order_amount", amounts, q.OrderAmount)
	sum("order_tax_amount", taxes, q.OrderTaxAmount)
}

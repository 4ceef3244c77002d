package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/shopd/shopd/internal/callback"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/catalog"
	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/jsonfile"
	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/internal/money"
)

// maxCartFile bounds a cart file, in bytes.
const maxCartFile = 1 << 20

// explain prints the request that the cart in a file would send to Klarna, the arithmetic
// of each amount, and the rule that the request breaks. The cart is filled as the shop's
// pages fill it, and becomes an order as in a callback with its address. It makes no call.
// A cart that the shop or Klarna would refuse is an error.
func explain(_ context.Context, e *env) error {
	products := catalog.Builtin()
	if e.catalogFile != "" {
		var err error
		if products, err = catalog.Load(e.catalogFile); err != nil {
			return fmt.Errorf("-catalog: %w", err)
		}
	}
	c, address, err := readCart(e.args[0], products)
	if err != nil {
		return err
	}
	signer, err := kco.NewSigner("explain signs nothing that is ever sent")
	if err != nil {
		return err
	}
	const publicURL = "https://shop.example"
	shop := &callback.Callbacks{Wants: &kco.Wants{
		Pricer: &cart.Pricer{Catalog: products, PublicURL: publicURL}, Signer: signer, PublicURL: publicURL, CallbackURL: publicURL,
	}}
	c, content, quote, refused := shop.Want(&c, address, "")
	_, rule := errors.AsType[*klarna.RuleError](refused)
	if refused != nil && !rule {
		return fmt.Errorf("%s: the shop refuses this cart: %w", e.args[0], refused)
	}
	content.MerchantData = "v1.<cart ID>.<signature>"

	if refused == nil && quote.Free() {
		_, _ = fmt.Fprintln(e.stdout, "There is nothing to pay: nothing is sent to Klarna. The checkout has a form of the shop's own, and places an order that Klarna never sees.")
		explainAmounts(e.stdout, quote)
		return nil
	}
	var body strings.Builder
	request := json.NewEncoder(&body)
	request.SetEscapeHTML(false)
	request.SetIndent("", "  ")
	if err := request.Encode(content); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(e.stdout, "POST /checkout/v3/orders\n%s", strings.ReplaceAll(body.String(), signer.CallbackToken(), "<token>"))
	explainAmounts(e.stdout, quote)
	if quote.NoDiscount != "" {
		_, _ = fmt.Fprintf(e.stdout, "\n%s\n", i18n.T(i18n.English, "discount.problem."+string(quote.NoDiscount), c.DiscountCode))
	}
	if refused != nil {
		return fmt.Errorf("klarna would refuse this order: %w", refused)
	}
	if quote.Empty() {
		return errors.New("there is nothing to sell in this cart: no order would be made")
	}
	_, _ = fmt.Fprintln(e.stdout, "\nKlarna's rules are satisfied.")
	return nil
}

// readCart reads a cart file, in the format of docs/explain.md, and fills a cart as the
// shop's pages do. address is where the order goes, and the way of delivery. The error
// names each problem with its line and member.
func readCart(name string, products *catalog.Catalog) (c cart.Cart, address cart.Address, err error) {
	data, err := readFile(name)
	if err != nil {
		return c, address, err
	}
	root, err := jsonfile.Parse(data)
	if err != nil {
		return c, address, fmt.Errorf("%s: %w", name, err)
	}
	f := cartFile{products: products}
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
	jsonfile.Checker
	products *catalog.Catalog
}

// read makes the changes of the cart one after the other, so that each problem has a line.
func (f *cartFile) read(root *jsonfile.Node) (c cart.Cart, address cart.Address) {
	// What only GET /cart answers is ignored: it follows from the rest.
	m := f.Object(root, "", []string{"lines"}, "country", "locale", "discount_code", "shipping_option", "ship_to",
		"revision", "currency", "total_amount", "total_tax_amount", "unavailable", "discount_problem")
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
		switch err := c.Apply(cart.Change{Add: []cart.Line{{SKU: sku, Quantity: quantity}}}, f.products, nil); {
		case errors.Is(err, cart.ErrUnknownSKU):
			f.Fail(n["sku"].Line, path+".sku", "%q is not in the catalogue", sku)
		case err != nil:
			f.Fail(line.Line, path, "%v", err)
		}
	}
	if code := f.Optional(m["discount_code"], "discount_code", maxCode); code != "" {
		if err := c.Apply(cart.Change{DiscountCode: &code}, f.products, nil); err != nil {
			f.Fail(m["discount_code"].Line, "discount_code", "%q is not a code of the catalogue", code)
		}
	}
	return c, f.shipTo(m, in)
}

const maxCode = 64 // characters of a discount code, at most

// market reads country and locale into c.
func (f *cartFile) market(m map[string]*jsonfile.Node, c *cart.Cart) market.Market {
	sold := f.products.Markets()
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
func (f *cartFile) shipTo(m map[string]*jsonfile.Node, in market.Market) cart.Address {
	a := cart.Address{BillingCountry: in.Country, ShippingCountry: in.Country}
	to := map[string]*jsonfile.Node{}
	if m["ship_to"] != nil {
		to = f.Object(m["ship_to"], "ship_to", nil, "country", "region", "postal_code")
	}
	a.ShippingCountry = cmp.Or(f.Optional(to["country"], "ship_to.country", 2), in.Country)
	a.Region = f.Optional(to["region"], "ship_to.region", 99)
	a.PostalCode = f.Optional(to["postal_code"], "ship_to.postal_code", 32)
	there, served := f.products.Markets().Lookup(a.ShippingCountry)
	if !served {
		f.Fail(to["country"].Line, "ship_to.country", "nothing is delivered to %q; the countries are %v", a.ShippingCountry, f.products.Markets().Countries())
		return a
	}
	if _, known := there.Region(a.Region); !known {
		f.Fail(to["region"].Line, "ship_to.region", "%q is not a region of %s whose tax is known", a.Region, there.Country)
	}
	if a.Option = f.Optional(m["shipping_option"], "shipping_option", 64); a.Option != "" {
		delivery, _ := in.DeliveryTo(there.Country, a.PostalCode)
		var ids []string
		for _, o := range delivery.Options {
			ids = append(ids, o.ID)
		}
		if !slices.Contains(ids, a.Option) {
			f.Fail(m["shipping_option"].Line, "shipping_option", "%q is not one of %v", a.Option, ids)
		}
	}
	return a
}

// explainAmounts prints the arithmetic of each line and of the sums, in minor units.
func explainAmounts(w io.Writer, q cart.Quote) {
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

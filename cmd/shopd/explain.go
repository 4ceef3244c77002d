package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/catalog"
	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/internal/money"
)

// maxCartFile bounds a cart file, in bytes.
const maxCartFile = 1 << 20

// cartFile is a cart that a person wrote, or the JSON answer of GET /cart. The members
// that only the answer has are ignored.
type cartFile struct {
	Country        string       `json:"country"` // alpha-2, default SE
	Locale         string       `json:"locale"`  // default: the market's
	Lines          []cartLine   `json:"lines"`
	DiscountCode   string       `json:"discount_code"`
	ShippingOption string       `json:"shipping_option"`
	ShipTo         *cart.ShipTo `json:"ship_to"`

	Revision       json.RawMessage `json:"revision"`
	Currency       json.RawMessage `json:"currency"`
	TotalAmount    json.RawMessage `json:"total_amount"`
	TotalTaxAmount json.RawMessage `json:"total_tax_amount"`
}

type cartLine struct {
	SKU      string `json:"sku"`
	Quantity int    `json:"quantity"`

	Name        json.RawMessage `json:"name"`
	UnitPrice   json.RawMessage `json:"unit_price"`
	TotalAmount json.RawMessage `json:"total_amount"`
}

// explain prints the request that the cart in a file would send to Klarna, the arithmetic
// of each amount, and the rule that the request breaks. It makes no call. A cart that
// Klarna would refuse is an error.
func explain(_ context.Context, e *env) error {
	contents, err := readCart(e.args[0])
	if err != nil {
		return err
	}
	products := catalog.Builtin()
	if e.catalogFile != "" {
		if products, err = catalog.Load(e.catalogFile); err != nil {
			return fmt.Errorf("-catalog: %w", err)
		}
	}
	signer, err := kco.NewSigner("explain signs nothing that is ever sent")
	if err != nil {
		return err
	}
	const publicURL = "https://shop.example"
	wants := &kco.Wants{Pricer: &cart.Pricer{Catalog: products, PublicURL: publicURL}, Signer: signer, PublicURL: publicURL, CallbackURL: publicURL}
	content, quote, refused := wants.Want(cart.Cart{ID: "explain", Contents: contents})
	content.MerchantData = "v1.<cart ID>.<signature>"

	var body strings.Builder
	request := json.NewEncoder(&body)
	request.SetEscapeHTML(false)
	request.SetIndent("", "  ")
	if err := request.Encode(content); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(e.stdout, "POST /checkout/v3/orders\n%s", strings.ReplaceAll(body.String(), signer.CallbackToken(), "<token>"))
	explainAmounts(e.stdout, quote)
	for _, sku := range quote.Unavailable {
		_, _ = fmt.Fprintf(e.stdout, "\n%s is left out: not in the catalogue, or without a price in %s\n", sku, quote.Currency)
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

func readCart(name string) (cart.Contents, error) {
	file := os.Stdin
	if name != "-" {
		var err error
		if file, err = os.Open(name); err != nil { //nolint:gosec // the file that the user names
			return cart.Contents{}, err
		}
		defer func() { _ = file.Close() }()
	}
	data, err := io.ReadAll(io.LimitReader(file, maxCartFile+1))
	if err != nil {
		return cart.Contents{}, err
	}
	if len(data) > maxCartFile {
		return cart.Contents{}, fmt.Errorf("%s: more than %d bytes", name, maxCartFile)
	}
	var f cartFile
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		return cart.Contents{}, fmt.Errorf("%s: %w", name, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return cart.Contents{}, fmt.Errorf("%s: there is something after the cart", name)
	}
	m, served := market.Lookup(cmp.Or(f.Country, "SE"))
	switch {
	case !served:
		return cart.Contents{}, fmt.Errorf("%s: country: %q is not served", name, f.Country)
	case f.Locale != "" && !m.HasLocale(f.Locale):
		return cart.Contents{}, fmt.Errorf("%s: locale: %q is not one of %v", name, f.Locale, m.Locales)
	}
	c := cart.Contents{
		Country: m.Country, Locale: cmp.Or(f.Locale, m.Locales[0]), DiscountCode: strings.ToUpper(f.DiscountCode),
		ShippingOption: f.ShippingOption, ShipTo: f.ShipTo,
	}
	for _, line := range f.Lines {
		c.Lines = append(c.Lines, cart.Line{SKU: line.SKU, Quantity: line.Quantity})
	}
	return c, nil
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

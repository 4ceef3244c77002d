package templates

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/web/static"
)

// maxQuantity is the highest quantity of a line.
const maxQuantity = 99

// Addresses with names from the catalogue.

// ProductURL is the address of the page of a product.
func ProductURL(sku string) string { return "/products/" + url.PathEscape(sku) }

func lineURL(sku string) string { return "/cart/lines/" + url.PathEscape(sku) }

// CatalogueURL returns the address of a page of a list of products, without empty
// parameters.
func CatalogueURL(category, query, sort string, page int) string {
	v := url.Values{}
	if page > 1 {
		v.Set("page", strconv.Itoa(page))
	}
	for name, value := range map[string]string{"category": category, "q": query, "sort": sort} {
		if value != "" {
			v.Set(name, value)
		}
	}
	if len(v) == 0 {
		return "/"
	}
	return "/?" + v.Encode()
}

// pictureURL returns the address of a Tile's picture.
func pictureURL(picture string) string {
	switch {
	case strings.HasPrefix(picture, "https://"):
		return picture
	case static.Has("pictures/" + picture):
		return static.URL("pictures/" + picture)
	}
	return static.URL("blank.svg") // none, or one that was built in when it was published
}

// decimal returns n/10^digits without trailing zeros, with the language's decimal mark.
func decimal(l i18n.Lang, n, digits int) string {
	s := fmt.Sprintf("%0*d", digits+1, n)
	whole, part := s[:len(s)-digits], strings.TrimRight(s[len(s)-digits:], "0")
	if part == "" {
		return whole
	}
	mark := ","
	if l == i18n.English {
		mark = "."
	}
	return whole + mark + part
}

// weight returns a weight in grams: "160 g", "1.2 kg".
func weight(l i18n.Lang, grams int) string {
	if grams < 1000 {
		return decimal(l, grams, 0) + "\u00a0g"
	}
	return decimal(l, grams, 3) + "\u00a0kg"
}

// weightOr is weight, "" for none.
func weightOr(l i18n.Lang, grams int) string {
	if grams == 0 {
		return ""
	}
	return weight(l, grams)
}

// limit returns the highest quantity for a stock.
func limit(stock int) string {
	if stock < 0 || stock > maxQuantity {
		return strconv.Itoa(maxQuantity)
	}
	return strconv.Itoa(stock)
}

func minor(a Amount) string { return strconv.FormatInt(a.Minor, 10) }

// attr returns the lang attribute for a text that is not in the page's language.
func (t Text) attr(page i18n.Lang) templ.Attributes {
	if t.Lang == "" || t.Lang == page {
		return nil
	}
	return templ.Attributes{"lang": string(t.Lang)}
}

package doctor

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/shopd/shopd/internal/klarna"
)

// klarna reads of each API what nobody has. A 404 says that the credentials are taken.
func (d *Doctor) klarna(ctx context.Context, f *findings) {
	paths := []string{"/checkout/v3/orders/", "/ordermanagement/v1/orders/"}
	if d.Published != nil {
		shop := d.Published.Now().Shop
		if shop.Checkout.Payments {
			paths[0] = "/payments/v1/sessions/"
		}
		for _, m := range shop.Markets {
			d.region(f, string(m.Country))
		}
	}
	var date time.Time
	before := time.Now()
	for _, path := range paths {
		api, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
		answer, err := d.Klarna.Do(ctx, klarna.Request{Operation: "try credentials", Method: http.MethodGet, Path: path + uuid.NewString(), Retry: klarna.RetryRead}, nil)
		if at, dateErr := http.ParseTime(answer.Header.Get("Date")); dateErr == nil {
			date = at
		}
		switch status := klarna.Status(err); {
		case err == nil, status == http.StatusNotFound:
			f.right("%s takes our credentials for %s", d.KlarnaHost, api)
		case status == http.StatusUnauthorized:
			f.wrong(fmt.Sprintf("%s refuses our credentials for %s (401)", d.KlarnaHost, api),
				"see SHOPD_KLARNA_USERNAME and SHOPD_KLARNA_PASSWORD; those of the playground are no good at the live host, nor those of another region")
		case status == http.StatusForbidden:
			f.wrong(fmt.Sprintf("%s forbids what we ask of %s (403)", d.KlarnaHost, api), "ask Klarna whether the account may use this product, or see what stands in between")
		case status == 0:
			f.wrong(fmt.Sprintf("%s does not answer for %s: %s", d.KlarnaHost, api, why(err)), "see -klarna-url (SHOPD_KLARNA_URL), DNS and the way out")
		default:
			f.wrong(fmt.Sprintf("%s answers %d for %s", d.KlarnaHost, status, api), "see Klarna's status page; carts are kept meanwhile")
		}
	}
	if !date.IsZero() {
		f.clock(date, before.Truncate(time.Second), time.Now())
	}
	if strings.Contains(d.KlarnaHost, "playground") {
		f.note("this is Klarna's playground: no money moves", "for real sales: -klarna-url (SHOPD_KLARNA_URL) and credentials of the live host")
	}
}

// regions are the countries of Klarna's hosts outside Europe. Source: docs.klarna.com, API URLs.
var regions = map[string][]string{
	"api-na.": {"US", "CA", "MX"},
	"api-oc.": {"AU", "NZ"},
}

// region says where a market is not served by the host of the API. Kustom has one host for all.
func (d *Doctor) region(f *findings, country string) {
	host, _, _ := strings.Cut(d.KlarnaHost, ":")
	if !strings.HasSuffix(host, ".klarna.com") {
		return
	}
	want := "api."
	for prefix, countries := range regions {
		if slices.Contains(countries, country) {
			want = prefix
		}
	}
	if !strings.HasPrefix(host, want) {
		f.wrong(fmt.Sprintf("the market %s is of another region than %s", country, d.KlarnaHost), "take the market off the shop file, or run a shop of its own for that region, with a host that begins with "+want)
	}
}

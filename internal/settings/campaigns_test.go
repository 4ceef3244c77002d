package settings_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/internal/campaign"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/settings"
)

// withCampaigns is a small shop file whose campaigns begin in line 6.
func withCampaigns(campaigns string) settings.Source {
	return settings.Source{File: []byte(`name: A
contact: {email: a@b.example}
pages: {terms: "https://a.example"}
time_zone: Europe/Stockholm
campaigns:
` + campaigns + `
markets:
  - {country: SE, currency: SEK, locales: [sv-SE], tax: {standard: 25}, delivery: [{id: parcel, name: Post, price: 100}, {id: agent, name: Ombud, price: 100}]}
  - {country: FI, currency: EUR, locales: [fi-FI], tax: {standard: 25.5}}
`)}
}

func TestReadCampaigns(t *testing.T) {
	shop, warnings, err := settings.Read(withCampaigns(`
  - {id: sommar, code: SOMMAR15, percent: 15, from: 2026-06-01, until: 2026-08-31, categories: [clothes]}
  - {id: hundra, code: HUNDRA, amount: {SEK: 10000, EUR: 1000}, minimum: {SEK: 50000, EUR: 5000}, uses: 1000}
  - {id: frakt, code: FRAKTFRITT, free_delivery: [parcel, agent]}
  - {id: tre-for-tva, buy: 3, pay: 2, skus: [PIN-1, PIN-2]}`))
	if err != nil || len(warnings) != 0 {
		t.Fatal(err, warnings)
	}
	day := func(text string) time.Time {
		at, err := time.ParseInLocation(time.DateTime, text, shop.Zone)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	type amounts = map[money.Currency]money.Amount
	want := campaign.List{
		{ID: "sommar", Code: "SOMMAR15", Percent: 1500, From: day("2026-06-01 00:00:00"), Until: day("2026-09-01 00:00:00"), Categories: []string{"clothes"}},
		{ID: "hundra", Code: "HUNDRA", Amount: amounts{"SEK": 10000, "EUR": 1000}, Minimum: amounts{"SEK": 50000, "EUR": 5000}, Uses: 1000},
		{ID: "frakt", Code: "FRAKTFRITT", FreeDelivery: []string{"parcel", "agent"}},
		{ID: "tre-for-tva", Buy: 3, Pay: 2, SKUs: []string{"PIN-1", "PIN-2"}},
	}
	if diff := cmp.Diff(want, shop.Campaigns); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestCampaignMistakes(t *testing.T) {
	const kinds = "line 6: campaigns[0]: want one of: percent, amount, free_delivery, buy with pay"
	for _, tc := range []struct{ campaigns, want string }{
		{"  - {percent: 10}", "line 6: campaigns[0].id: is missing"},
		{"  - {id: a/b, percent: 10}", `line 6: campaigns[0].id: "a/b" is not 1 to 50 of A-Z a-z 0-9 _ -, first a letter or digit`},
		{"  - {id: a, percent: 10}\n  - {id: a, percent: 10}", `line 7: campaigns[1].id: "a" is campaigns[0].id already`},
		{"  - {id: a, code: a, percent: 10}", `line 6: campaigns[0].code: "a" is not a code: 1 to 32 of A-Z 0-9 -, first a letter or digit`},
		{"  - {id: a, code: A, percent: 10}\n  - {id: b, code: A, percent: 10}", `line 7: campaigns[1].code: "A" is campaigns[0].code already`},
		{"  - {id: a, code: A, percent: 10}\n  - {id: A, percent: 10}", `line 7: campaigns[1].id: "A" is campaigns[0].code already`},
		{"  - {id: A, code: A, percent: 10}", ""},
		{"  - {id: a}", kinds},
		{"  - {id: a, percent: 10, amount: {SEK: 1}}", kinds},
		{"  - {id: a, percent: 10, buy: 3, pay: 2}", kinds},
		{"  - {id: a, percent: 0}", "line 6: campaigns[0].percent: want a whole number from 1 to 100"},
		{"  - {id: a, percent: 101}", "line 6: campaigns[0].percent: want a whole number from 1 to 100"},
		{"  - {id: a, amount: {NOK: 1}}", `line 6: campaigns[0].amount.NOK: "NOK" is the currency of no market`},
		{"  - {id: a, amount: {SEK: 0}}", "line 6: campaigns[0].amount.SEK: want a whole number from 1 to 100000000"},
		{"  - {id: a, amount: {}}", "line 6: campaigns[0].amount: must not be empty"},
		{"  - {id: a, free_delivery: [drone]}", `line 6: campaigns[0].free_delivery[0]: no market has a way of delivery "drone"`},
		{"  - {id: a, free_delivery: []}", "line 6: campaigns[0].free_delivery: want 1 to 1000"},
		{"  - {id: a, free_delivery: [parcel], skus: [A]}", "line 6: campaigns[0].skus: is for goods: free delivery has none"},
		{"  - {id: a, buy: 3}", "line 6: campaigns[0].pay: is missing"},
		{"  - {id: a, pay: 3}", "line 6: campaigns[0].buy: is missing"},
		{"  - {id: a, buy: 3, pay: 3}", "line 6: campaigns[0].pay: want less than the 3 that are bought"},
		{"  - {id: a, buy: 1, pay: 1}", "line 6: campaigns[0].buy: want a whole number from 2 to 99"},
		{"  - {id: a, percent: 10, categories: []}", "line 6: campaigns[0].categories: want 1 to 1000"},
		{"  - {id: a, percent: 10, skus: [A, A]}", `line 6: campaigns[0].skus[1]: "A" stands twice`},
		{"  - {id: a, percent: 10, minimum: {USD: 1}}", `line 6: campaigns[0].minimum.USD: "USD" is the currency of no market`},
		{"  - {id: a, percent: 10, from: June}", `line 6: campaigns[0].from: "June" is not a day such as 2026-06-01`},
		{"  - {id: a, percent: 10, until: 2026-02-30}", `line 6: campaigns[0].until: "2026-02-30" is not a day such as 2026-06-01`},
		{"  - {id: a, percent: 10, from: 2026-06-02, until: 2026-06-01}", "line 6: campaigns[0].until: is before from"},
		{"  - {id: a, percent: 10, from: 2026-06-01, until: 2026-06-01}", ""},
		{"  - {id: a, percent: 10, uses: 0}", "line 6: campaigns[0].uses: want a whole number from 1 to 1000000000"},
		{"  - {id: a, percent: 10, name: A}", "line 6: campaigns[0].name: unknown member"},
		{"  - a", "line 6: campaigns[0]: want an object"},
		{"  - {id: a, percent: 0, uses: 0}\n  - {id: a, buy: 3}", "line 6: campaigns[0].percent: want a whole number from 1 to 100\n" +
			"line 6: campaigns[0].uses: want a whole number from 1 to 1000000000\nline 7: campaigns[1].id: \"a\" is campaigns[0].id already\nline 7: campaigns[1].pay: is missing"},
	} {
		t.Run(tc.campaigns, func(t *testing.T) {
			_, _, err := settings.Read(withCampaigns(tc.campaigns))
			got := ""
			if err != nil {
				_, got, _ = strings.Cut(err.Error(), "\n")
			}
			if got != tc.want {
				t.Errorf("got %v\nwant %s", err, tc.want)
			}
		})
	}
}

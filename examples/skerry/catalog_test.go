package skerry_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/examples/skerry"
	"github.com/shopd/shopd/internal/catalog"
	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/money"
)

// shelves is the assortment: SKU, English name, class, grams, stock, and the
// price in SEK, NOK, DKK, EUR, GBP and USD in minor units.
const shelves = `
MUG-1 | Enamel mug, 35 cl | standard | 180/240 | 14900 15900 9900 1390 1150 1400
POT-1 | Enamel coffee pot, 1.5 l | standard | 950/60 | 69500 72900 44900 5990 5200 6200
PAN-1 | Carbon steel pan, 26 cm | standard | 1600/45 | 79500 82900 52900 6990 5900 7200
BRD-1 | Oak bread board | standard | 1100/80 | 44900 46900 29900 3990 3400 4200
TWL-1 | Linen tea towels, set of two | standard | 160/150 | 27900 28900 18900 2490 2150 2600
CLK-1 | Galley clock, brass | standard | 1400/1 | 499500 519000 329500 44500 37900 45900
COF-1 | Harbour roast coffee, 500 g | food | 520/300 | 11900 12900 7900 1090 895 1200
TEA-1 | Fog tea, smoked black, 100 g | food | 130/0 | 9900 10900 6900 890 750 950
SLT-1 | Sea salt flakes, 250 g | food | 280/220 | 7900 8500 5500 690 595 800
JAM-1 | Cloudberry jam, 210 g | food | 380/95 | 12900 13500 8900 1190 995 1300
HNY-1 | Heather honey, 350 g | food | 520/70 | 13900 14900 9500 1290 1095 1400
CRB-1 | Rye crispbread, tin of 12 | food | 450/130 | 8900 9500 5900 790 695 900
BLK-1 | Deck blanket in wool, 130 × 180 cm | standard | 1500/3 | 129500 134900 89500 11500 9800 11900
LMP-1 | Storm lantern | standard | 1200/40 | 54900 56900 36900 4890 4200 4900
RCT-1 | Oilskin raincoat | standard | 1300/25 | 189500 199000 129000 16900 14500 17500
HAT-1 | Fisherman’s beanie, merino | standard | 90/160 | 34900 36900 23900 3190 2650 3200
RPE-1 | Mooring rope, 10 m | standard | 1800/85 | 32900 34900 21900 2890 2450 2900
FLT-1 | Cork float key ring | standard | 40/500 | 7900 7900 4900 690 595 700
BOK-1 | Knots for People in a Hurry | book | 420/110 | 22900 24900 17900 2190 1699 2195
BOK-2 | The Lighthouse Keeper’s Cookbook | book | 780/65 | 29900 32900 24900 2800 2200 2800
BOK-3 | Weather, and Other Small Talk | book | 300/90 | 18900 19900 14900 1790 1299 1795
BOK-4 | A Field Guide to Staying Indoors: Forty Walks Around One Room, With Maps | book | 540/40 | 25900 27900 19900 2490 1899 2495
LOG-1 | Logbook, lined, 192 pages | standard | 350/140 | 16900 17900 11900 1590 1350 1600
EBK-1 | Knots for People in a Hurry, e-book | book | digital | 11900 12900 8900 1190 899 1099
AUD-1 | Eight Hours of Rain on a Tin Roof, audio | standard | digital | 8900 9500 6500 890 699 899
MAP-1 | Chart of an Island That Is Not There, print at home | standard | digital | 5900 6500 4500 590 499 599
KNT-1 | Twelve Knots, a video course | standard | digital | 39500 41900 28900 3790 3100 3800
GFT-1 | Gift voucher | none | digital | 50000 50000 30000 5000 4000 5000
`

func TestBuiltin(t *testing.T) {
	c := skerry.Version().Catalog
	var got strings.Builder
	got.WriteString("\n")
	for _, p := range c.Products() {
		name, _ := p.Name.In("en")
		stock := fmt.Sprintf("%d/%d", p.Weight, p.Stock)
		if p.Digital {
			stock = "digital"
			if p.Stock != catalog.Unlimited || p.Weight != 0 {
				t.Errorf("%s: stock %d, weight %d; want unlimited, 0", p.SKU, p.Stock, p.Weight)
			}
		}
		var prices []string
		for _, currency := range []money.Currency{"SEK", "NOK", "DKK", "EUR", "GBP", "USD"} {
			price, _ := p.Price(currency)
			prices = append(prices, fmt.Sprint(int64(price)))
		}
		fmt.Fprintf(&got, "%s | %s | %s | %s | %s\n", p.SKU, name, p.Class, stock, strings.Join(prices, " "))
		if p.Picture != p.SKU+".svg" {
			t.Errorf("%s: picture %q", p.SKU, p.Picture)
		}
		if by, ok := c.Product(p.SKU); !ok || by != p {
			t.Errorf("Product(%q) = %v, %t", p.SKU, by, ok)
		}
	}
	if diff := cmp.Diff(shelves, got.String()); diff != "" {
		t.Errorf("shelves (-want +got):\n%s", diff)
	}

	perCategory := map[string]int{}
	for _, p := range c.Products() {
		perCategory[p.Category]++
	}
	want := map[string]int{"kitchen": 6, "pantry": 6, "outdoors": 6, "reading": 5, "digital": 5}
	if diff := cmp.Diff(want, perCategory); diff != "" {
		t.Errorf("products per category (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"kitchen", "pantry", "outdoors", "reading", "digital"}, c.Categories()); diff != "" {
		t.Errorf("categories (-want +got):\n%s", diff)
	}
	for code, want := range map[string]int32{"FOG10": 1000, "LANTERN25": 2500, "FOG11": 0, "fog10": 0, "": 0} {
		if got := skerry.Version().Shop.Campaigns.ByCode(code); (got != nil) != (want > 0) || got != nil && got.Percent != want {
			t.Errorf("code %q: got %+v, want %d", code, got, want)
		}
	}
}

// TestBuiltinTexts holds the house style: every text in every language, names
// that tell products apart, descriptions of two sentences without shouting.
func TestBuiltinTexts(t *testing.T) {
	c := skerry.Version().Catalog
	languages := slices.Sorted(slices.Values(i18n.Langs()))
	complete := func(what string, text i18n.Text) {
		if diff := cmp.Diff(languages, slices.Sorted(maps.Keys(text))); diff != "" {
			t.Errorf("languages of %s (-want +got):\n%s", what, diff)
		}
	}
	quotes := map[i18n.Lang]string{"en": "“”", "sv": "””", "nb": "«»", "da": "»«", "fi": "””", "de": "„“", "nl": "‘’"}
	seen := map[string]string{}
	for _, p := range c.Products() {
		complete(p.SKU+" name", p.Name)
		complete(p.SKU+" description", p.Description)
		complete(p.SKU+" material", p.Material)
		for l, name := range p.Name {
			if other, dup := seen[string(l)+name]; dup {
				t.Errorf("%s and %s have the same name in %s: %q", p.SKU, other, l, name)
			}
			seen[string(l)+name] = p.SKU
			if n := utf8.RuneCountInString(name); n > 120 {
				t.Errorf("%s: name in %s has %d characters", p.SKU, l, n)
			}
		}
		for l, text := range p.Description {
			if n := strings.Count(text, ". ") + strings.Count(text, ".” ") + 1; n != 2 || !strings.HasSuffix(text, ".") {
				t.Errorf("%s in %s: %d sentences, want 2: %s", p.SKU, l, n, text)
			}
			if strings.ContainsAny(text, "!\"'") || strings.Contains(text, "  ") {
				t.Errorf("%s in %s: exclamation mark, straight quote or double space: %s", p.SKU, l, text)
			}
			used := strings.Map(func(r rune) rune {
				if strings.ContainsRune("“”«»„‘", r) || r == '’' && l == "nl" {
					return r
				}
				return -1
			}, text)
			if used != "" && used != quotes[l] {
				t.Errorf("%s in %s: quotes %q, want %q", p.SKU, l, used, quotes[l])
			}
		}
	}
	for _, id := range c.Categories() {
		for _, l := range i18n.Langs() {
			if name, in, ok := c.CategoryName(id, l); !ok || in != l || name == "" {
				t.Errorf("CategoryName(%q, %q) = %q in %q, %t", id, l, name, in, ok)
			}
		}
	}
	if name, _, ok := c.CategoryName("cellar", "en"); ok {
		t.Errorf("there is a cellar: %q", name)
	}
	lantern, _ := c.Product("LMP-1")
	got, in := lantern.Description.In("en")
	want := "Burns fourteen hours on one filling and does not mind the wind. It has been known to mind the rain, but only sideways."
	if got != want || in != "en" {
		t.Errorf("description of the lantern = %q in %q", got, in)
	}
}

// TestBuiltinPrices holds that 99 of anything stay under Klarna's line limit,
// and that every market can sell everything.
func TestBuiltinPrices(t *testing.T) {
	for _, p := range skerry.Version().Catalog.Products() {
		for _, m := range skerry.Version().Markets {
			price, ok := p.Price(m.Currency)
			total, err := price.Mul(99)
			if !ok || price <= 0 || err != nil || total > 100_000_000 {
				t.Errorf("%s in %s: price %d, %t; 99 are %d, %v", p.SKU, m.Country, price, ok, total, err)
			}
		}
	}
}

func TestTextIn(t *testing.T) {
	tests := []struct {
		name string
		text i18n.Text
		lang i18n.Lang
		want string
	}{
		{"own language", i18n.Text{"en": "mug", "sv": "mugg"}, "sv", "mugg sv"},
		{"English else", i18n.Text{"en": "mug", "sv": "mugg"}, "fi", "mug en"},
		{"what there is", i18n.Text{"nl": "mok"}, "fi", "mok nl"},
		{"the first of what there is", i18n.Text{"nl": "mok", "nb": "krus"}, "fi", "krus nb"},
		{"nothing", nil, "fi", " fi"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if text, in := tt.text.In(tt.lang); text+" "+string(in) != tt.want {
				t.Errorf("got %q in %q, want %q", text, in, tt.want)
			}
		})
	}
}

func TestSearch(t *testing.T) {
	tests := []struct {
		name     string
		lang     i18n.Lang
		query    string
		category string
		want     string
	}{
		{"word of the name", "en", "lantern", "", "LMP-1"},
		{"case", "en", "LANTERN", "", "LMP-1"},
		{"SKU", "fi", "lmp-1", "", "LMP-1"},
		{"part of a word", "en", "crisp", "", "CRB-1"},
		{"word of the description", "en", "sideways", "", "LMP-1"},
		{"all words, in any place", "en", "oven forty hurry", "", ""},
		{"two words", "en", "hurry e-book", "", "EBK-1"},
		{"across name and description", "en", "mug chip", "", "MUG-1"},
		{"spaces", "en", "  storm \u00a0 lantern\t", "", "LMP-1"},
		{"the shown language", "sv", "stormlykta", "", "LMP-1"},
		{"not another language", "en", "stormlykta", "", ""},
		{"query without accents", "sv", "hjartat rokt", "", ""},
		{"accents left out", "sv", "rokt", "", "TEA-1"},
		{"accents put in", "sv", "störmlýkta", "", "LMP-1"},
		{"decomposed accents", "sv", "ro\u0308kt", "", "TEA-1"},
		{"Norwegian letters", "nb", "rokt", "", "TEA-1"},
		{"Danish letters", "da", "Brodbraet", "", "BRD-1"},
		{"sharp s", "de", "strasse draussen maßstäblich", "", ""},
		{"sharp s as ss", "de", "MASSSTÄBLICH", "", "BOK-4 MAP-1"},
		{"straight apostrophe", "en", "keeper's", "", "BOK-2"},
		{"no-break and plain", "en", "35 cl", "", "MUG-1"},
		{"category", "en", "", "digital", "EBK-1 AUD-1 MAP-1 KNT-1 GFT-1"},
		{"category and query", "en", "knots", "digital", "EBK-1 KNT-1"},
		{"category in which it is not", "en", "lantern", "digital", ""},
		{"unknown category", "en", "", "cellar", ""},
		{"nothing there", "en", "lamb chop", "", ""},
		{"half a character", "en", "lantern\xc3", "", ""},
		{"endless", "en", strings.Repeat("é", 500), "", ""},
		{"unknown language is English", "xx", "lantern", "", "LMP-1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, p := range skerry.Version().Catalog.Search(tt.lang, tt.query, tt.category) {
				got = append(got, p.SKU)
			}
			if got := strings.Join(got, " "); got != tt.want {
				t.Errorf("Search(%q, %.40q, %q) = %q, want %q", tt.lang, tt.query, tt.category, got, tt.want)
			}
		})
	}
	if got := len(skerry.Version().Catalog.Search("nl", " ", "")); got != 28 {
		t.Errorf("an empty query finds %d, want 28", got)
	}
}

package storefront_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/catalog"
	"github.com/shopd/shopd/internal/yamlfile"
	"golang.org/x/sync/errgroup"
)

// shelves is a catalogue of n SKUs in categories: every fourth product has four variants.
// Its texts are as long as the function says.
func shelves(n, categories int, text func(i, characters int) string) string {
	var b strings.Builder
	b.WriteString("language: sv\ncurrencies: [SEK, EUR, USD]\nproducts:\n")
	for i := 0; n > 0; i++ {
		fmt.Fprintf(&b, "- {category: %q, name: %q, description: %q, brand: %q, tax_class: standard, prices: {SEK: %d, EUR: 100, USD: 100}, pictures: [%q], ",
			fmt.Sprintf("%03d %s", i%categories, text(0, 60)), fmt.Sprintf("%s %05d", text(i, 240), i), text(i, 2000), text(i%50, 70), 100+(i*7919)%9000, "https://img.example.com/"+text(i, 990)+".jpg")
		if i%4 == 0 && n >= 4 {
			fmt.Fprintf(&b, "id: p%d, options: [size], variants: [", i)
			for _, size := range []string{"S", "M", "L", "XL"} {
				fmt.Fprintf(&b, "{sku: P%d-%s, size: %s, stock: 9},", i, size, size)
			}
			b.WriteString("]}\n")
			n -= 4
			continue
		}
		fmt.Fprintf(&b, "sku: S%d, stock: 9}\n", i)
		n--
	}
	return b.String()
}

// short are texts of a few words, of which there are some thousands.
func short(i, characters int) string {
	words := []string{"jacka", "byxa", "sko", "tält", "lampa", "kniv", "säck", "karta", "mössa", "väska", "vante", "kök"}
	var list []string
	for k := range min(characters/20, 8) + 1 {
		list = append(list, fmt.Sprintf("%s%s", words[(i+k)%12], words[(i/12+k*5)%12]))
	}
	text := []rune(strings.Join(list, " "))
	return string(text[:min(characters, len(text))])
}

func TestPages(t *testing.T) {
	t.Parallel()
	s := withGoods(t, shelves(100, 1, short)) // 25 groups of 4 SKUs less 3: 58 groups
	b := s.browser()
	first := parsed(t, b.Get("/"))
	category := url.QueryEscape("000 " + short(0, 60))
	total := 0
	if _, err := fmt.Sscan(spaced(first.Find(".count")), &total); err != nil || total <= 48 || total >= 96 {
		t.Fatalf("%q products", spaced(first.Find(".count")))
	}
	for _, tt := range []struct {
		path                       string
		tiles                      int // 0: not found
		pages, prev, next, current string
		canonical                  string
	}{
		{"/", 48, "1 2", "", "/?page=2", "1", "/"},
		{"/?page=1", 48, "1 2", "", "/?page=2", "1", "/"},
		{"/?page=2", total - 48, "1 2", "/", "", "2", "/?page=2"},
		{"/?page=2&sort=price&q=000", total - 48, "1 2", "/?q=000&sort=price", "", "2", "/?page=2&q=000"},
		{"/?sort=-price&page=2&category=" + category, total - 48, "1 2", "/?category=" + category + "&sort=-price", "", "2", "/?category=" + category + "&page=2"},
		{"/?page=3", 0, "", "", "", "", ""},
		{"/?page=0", 0, "", "", "", "", ""},
		{"/?page=-1", 0, "", "", "", "", ""},
		{"/?page=two", 0, "", "", "", "", ""},
		{"/?page=99999999999999999999", 0, "", "", "", "", ""},
	} {
		got := b.Get(tt.path)
		if tt.tiles == 0 {
			if got.StatusCode != http.StatusNotFound {
				t.Errorf("%s: got %d, want 404", tt.path, got.StatusCode)
			}
			continue
		}
		if got.StatusCode != http.StatusOK {
			t.Errorf("%s: got %d", tt.path, got.StatusCode)
			continue
		}
		page := parsed(t, got)
		nav := page.Find("nav.pages")
		if n := page.Find(".tile").Length(); n != tt.tiles || spaced(page.Find(".count")) != fmt.Sprint(total)+" varor" {
			t.Errorf("%s: %d tiles of %q, want %d of %d", tt.path, n, spaced(page.Find(".count")), tt.tiles, total)
		}
		if pages := strings.Join(nav.Find("li").Map(func(_ int, li *goquery.Selection) string { return spaced(li) }), " "); pages != tt.pages || spaced(nav.Find("[aria-current]")) != tt.current {
			t.Errorf("%s: pages %q at %q, want %q at %q", tt.path, pages, spaced(nav.Find("[aria-current]")), tt.pages, tt.current)
		}
		if prev, next := nav.Find("[rel=prev]").AttrOr("href", ""), nav.Find("[rel=next]").AttrOr("href", ""); prev != tt.prev || next != tt.next {
			t.Errorf("%s: leads to %q and %q, want %q and %q", tt.path, prev, next, tt.prev, tt.next)
		}
		if canonical := page.Find("link[rel=canonical]").AttrOr("href", ""); tt.canonical != "" && canonical != s.URL+tt.canonical {
			t.Errorf("%s is known as %s, want %s", tt.path, canonical, tt.canonical)
		}
		if back := page.Find("input[name=return_to]").First().AttrOr("value", ""); !strings.HasPrefix(tt.path, "/?page=1") && strings.Contains(tt.path, "page=2") != strings.Contains(back, "page=2") {
			t.Errorf("%s: forms return to %s", tt.path, back)
		}
		if title := spaced(page.Find("title")); strings.Contains(title, "Sida 2") != (tt.current == "2") {
			t.Errorf("%s has the title %q", tt.path, title)
		}
	}
}

// No page of the shop is above 200 kB, whatever the catalogue has.
func TestPageSizes(t *testing.T) {
	t.Parallel()
	long := func(i, characters int) string {
		return fmt.Sprintf("%05d", i) + strings.Repeat("ö", characters-5)
	}
	file := shelves(400, 100, func(i, characters int) string {
		if characters > 900 { // an address is ASCII
			return fmt.Sprintf("%05d", i) + strings.Repeat("o", characters-5)
		}
		return long(i, characters)
	})
	var b strings.Builder
	b.WriteString("- {id: many, category: \"000 " + long(0, 60) + "\", name: N, tax_class: standard, prices: {SEK: 1, EUR: 1, USD: 1}, options: [a, b, c], variants: [")
	for i := range 100 {
		fmt.Fprintf(&b, "{sku: %s%03d, a: %q, b: %q, c: %q, stock: 3, prices: {SEK: %d, EUR: 1, USD: 1}},", strings.Repeat("S", 61), i, long(i, 64), long(i, 64), long(i, 64), i)
	}
	s := withGoods(t, file+b.String()+"]}\n")
	weigh := func(shopper *browser, paths ...string) {
		t.Helper()
		for _, path := range paths {
			got := shopper.Get(path)
			t.Logf("%s: %d bytes", path[:min(len(path), 20)], len(got.Text))
			if got.StatusCode != http.StatusOK || len(got.Text) > 200_000 {
				t.Errorf("%.20s: got %d with %d bytes", path, got.StatusCode, len(got.Text))
			}
		}
	}
	weigh(s.browser(), "/", "/?page=2", "/?sort=name", "/?q=0", "/?category=000+"+long(0, 60), "/products/many", "/products/p0")

	// With the longest cart of goods that have names as usual.
	s = withGoods(t, shelves(400, 20, func(i, characters int) string { return short(i, min(characters, 40)) }))
	shopper, lines := s.browser(), 0
	for i := 0; lines < cart.MaxLines; i++ {
		if i%4 != 0 { // those have variants
			shopper.Add(fmt.Sprintf("S%d", i), "1")
			lines++
		}
	}
	weigh(shopper, "/cart", "/checkout")
}

// BenchmarkRead reads the largest catalogue that there can be, 10,000 SKUs in 16 MiB: parse,
// check and index. It reports the time in seconds, that against parsing the YAML alone, and
// what stays in memory.
func BenchmarkRead(b *testing.B) {
	file := []byte(shelves(10_000, 40, func(i, characters int) string {
		if characters == 2000 {
			return strings.Repeat(short(i, 240)+fmt.Sprintf(" ord%d ", i%9000), 14)
		}
		return short(i, characters)
	}))
	b.Logf("%d MiB", len(file)>>20)
	runtime.GC()
	before := heap()
	var parse, read time.Duration
	var goods *catalog.Catalog
	for b.Loop() {
		start := time.Now()
		if _, err := yamlfile.Parse(file); err != nil {
			b.Fatal(err)
		}
		parse += time.Since(start)
		runtime.GC()
		start = time.Now()
		var err error
		if goods, err = catalog.Read(bytes.NewReader(file)); err != nil {
			b.Fatal(err)
		}
		read += time.Since(start)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(read.Seconds()/float64(b.N), "s")
	b.ReportMetric(float64(read)/float64(parse), "times-YAML")
	runtime.GC()
	b.ReportMetric((float64(heap())-float64(before))/1e6, "MB")
	runtime.KeepAlive(goods)
}

// BenchmarkLists asks for pages of lists of catalogues that grow, by HTTP. It reports the
// median time of each, that against the smallest catalogue, and by how much memory 100
// requests at once exceed one.
func BenchmarkLists(b *testing.B) {
	small := map[string]time.Duration{}
	for _, n := range []int{100, 1_000, 10_000} {
		b.Run(fmt.Sprintf("%d SKUs", n), func(b *testing.B) {
			start := time.Now()
			s := withGoods(b, shelves(n, 40, short))
			b.Logf("started after %v", time.Since(start))
			for name, path := range map[string]string{"first page": "/", "page in the middle": "/?page=2&sort=-price", "by name": "/?sort=name", "search": "/?q=jacka", "search with a mistake": "/?q=jakca"} {
				b.Run(name, func(b *testing.B) {
					shopper := s.browser()
					shopper.Get(path)
					var took []time.Duration
					for b.Loop() {
						begin := time.Now()
						if got := shopper.Get(path); got.StatusCode != http.StatusOK {
							b.Fatalf("got %d", got.StatusCode)
						}
						took = append(took, time.Since(begin))
					}
					slices.Sort(took)
					median := took[len(took)/2]
					if n == 100 {
						small[name] = median
					}
					b.ReportMetric(float64(median)/float64(time.Millisecond), "p50-ms")
					b.ReportMetric(float64(median)/float64(small[name]), "times")
				})
			}
			b.Run("100 at once", func(b *testing.B) {
				most := uint64(0)
				for b.Loop() {
					runtime.GC()
					before := heap()
					var all errgroup.Group
					var mu sync.Mutex
					for range 100 {
						all.Go(func() error {
							s.Browser().Get("/?q=jacka")
							mu.Lock()
							defer mu.Unlock()
							most = max(most, heap()-min(before, heap()))
							return nil
						})
					}
					_ = all.Wait()
				}
				b.ReportMetric(float64(most)/1e6, "MB-more")
			})
		})
	}
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse
}

package e2e_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/shop/shoptest"
	"github.com/shopd/shopd/internal/stock"
	"github.com/shopd/shopd/internal/underway"
)

var (
	sessionCount = flag.Int("sessions.n", 12, "how many checkout sessions TestSessions sells")
	sessionSeed  = flag.Uint64("sessions.seed", 0, "of what happens in TestSessions; 0 draws one")
)

const (
	sessionChaos  = 0.10
	sessionsAtOne = 8 // at a time
	// sessionTime is how long a session may take from its first call to its sale; killed
	// processes hold what they had for a while.
	sessionTime = 3 * time.Minute
	// mendTime is when the loop has mended what landed late, whatever fails meanwhile.
	mendTime = underway.LastLook + 30*time.Second
)

// Merchants' servers and shoppers change checkout sessions at once, on three processes that
// are killed now and then, while Klarna fails: what is answered with 2xx Klarna has, nobody
// pays a total that no form of his has shown, and each session is one order, bought once
// (invariants 2, 3, 13 and 14). Every third checkout stands in a page of the merchant's, whose script asks as
// web/static/embed.js does. No log has a secret of a session.
func TestSessions(t *testing.T) {
	seed := *sessionSeed
	for seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("%d sessions, -sessions.seed=%d", *sessionCount, seed)
	s := &sessionSoak{seed: seed, counts: map[string]int{}, told: map[string][]string{}, secrets: map[string]bool{}}
	s.deployment = deploy(t, 3, fakeklarna.Options{
		Chaos: sessionChaos, Seed: seed, MaxOrders: 1_000_000, CallbackTransport: s, PushDelay: time.Second,
	})
	s.landLate()
	up := slices.Clone(s.shops)
	s.up.Store(&up)

	over := make(chan struct{})
	var operator, sessions sync.WaitGroup
	operator.Go(func() { s.operate(over) })
	next := make(chan int)
	for range sessionsAtOne {
		sessions.Go(func() {
			for i := range next {
				if !t.Failed() {
					s.sell(i)
				}
			}
		})
	}
	for i := range *sessionCount {
		next <- i
	}
	close(next)
	sessions.Wait()
	close(over)
	operator.Wait()
	if t.Failed() {
		return
	}
	s.fake.SetChaos(0)
	s.fake.ClearFaults()
	shoptest.Landed(t, s.fake)
	s.judge()
	for _, o := range s.fake.Orders() {
		_, way, _ := strings.Cut(o.MerchantURLs.Confirmation, "/checkout/back/")
		way, _, _ = strings.Cut(way, "/")
		s.secrets[way] = true
	}
	delete(s.secrets, "")
	if len(s.secrets) < *sessionCount {
		t.Errorf("%d secrets of %d sessions", len(s.secrets), *sessionCount)
	}
	for _, p := range s.shops {
		log := p.logged()
		for secret := range s.secrets {
			if strings.Contains(log, secret) {
				t.Errorf("a log has the secret %.6s…", secret)
			}
		}
	}
	t.Logf("seed %d: %v", seed, s.counts)
}

// sessionSoak is a shop whose sessions are sold.
type sessionSoak struct {
	*deployment
	seed uint64
	up   atomic.Pointer[[]*process]

	lock   sync.Mutex
	counts map[string]int
	shown  []map[int64]bool    // of each session: the totals that a page of it has shown
	told   map[string][]string // of each session: what its calls and presses came to, in their order
	// secrets are those of links, pages and ways back of the sessions.
	secrets map[string]bool
}

// RoundTrip carries calls to any of the processes that are up, as a load balancer does.
func (s *sessionSoak) RoundTrip(r *http.Request) (*http.Response, error) {
	return carry(r, func() *process {
		up := *s.up.Load()
		return up[rand.IntN(len(up))]
	})
}

func (m *sessionLife) tell(format string, args ...any) {
	m.lock.Lock()
	defer m.lock.Unlock()
	m.told[m.reference] = append(m.told[m.reference], time.Now().Format("05.000 ")+fmt.Sprintf(format, args...))
}

func (s *sessionSoak) count(what string) {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.counts[what]++
}

// operate kills a process now and then, and starts another in its place.
func (s *sessionSoak) operate(over <-chan struct{}) {
	chance := chance(s.seed, 1<<40)
	for wait := 2 * time.Second; ; wait = 20 * time.Second {
		select {
		case <-over:
			return
		case <-time.After(wait):
		}
		all := *s.up.Load()
		i := chance.IntN(len(all))
		others := slices.Delete(slices.Clone(all), i, i+1)
		s.up.Store(&others)
		all[i].kill()
		s.count("killed")
		at, _ := url.Parse(all[i].ready["storefront"])
		again := append(slices.Clone(others), s.start(at.Host))
		s.up.Store(&again)
	}
}

// sell takes a session from its first call to its sale.
func (s *sessionSoak) sell(i int) {
	random := chance(s.seed, uint64(i))
	m := &sessionLife{sessionSoak: s, reference: fmt.Sprintf("s-%d", i), shown: map[int64]bool{}, until: time.Now().Add(sessionTime), embedded: i%3 == 2}
	first := m.change(random.Int64N(1000) + 1)
	if first == nil {
		return
	}
	merchant := rand.New(rand.NewPCG(random.Uint64(), 1))
	shopper := rand.New(rand.NewPCG(random.Uint64(), 2))
	var both sync.WaitGroup
	both.Go(func() {
		defer m.changed.Store(true)
		for range 3 + merchant.IntN(4) {
			time.Sleep(time.Duration(merchant.IntN(300)) * time.Millisecond)
			if m.change(merchant.Int64N(1000)+1) == nil {
				return
			}
		}
	})
	_, link, _ := strings.Cut(first.URL, "/open/")
	s.lock.Lock()
	s.secrets[link], s.secrets[strings.TrimPrefix(first.ClientSecret, "cs_")] = true, true
	s.lock.Unlock()
	both.Go(func() {
		if m.embedded {
			m.shopEmbedded(shopper, first.ClientSecret)
		} else {
			m.shop(shopper, first.URL)
		}
	})
	both.Wait()
	s.lock.Lock()
	defer s.lock.Unlock()
	for len(s.shown) <= i {
		s.shown = append(s.shown, nil)
	}
	s.shown[i] = m.shown
}

// sessionLife is one session.
type sessionLife struct {
	*sessionSoak
	reference string
	until     time.Time
	embedded  bool           // the checkout stands in a page of the merchant's
	changed   atomic.Bool    // the merchant's server has said all
	shown     map[int64]bool // of the shopper alone
}

// sessionAnswer is what the API says of a session, or why not.
type sessionAnswer struct {
	URL string `json:"url"`
	// ClientSecret is for a page of the merchant's, "" where there is none.
	ClientSecret string `json:"client_secret"`
	Status       any    `json:"status"` // a text, or of a problem the number
	Code         string `json:"code"`
	Detail       string `json:"detail"`
	Revision     int64  `json:"revision"`
	OrderAmount  int64  `json:"order_amount"`
	LinesLost    bool   `json:"lines_lost"`
	Order        *struct {
		ID string `json:"id"`
	} `json:"order"`
}

func (m *sessionLife) api(method, body string) (status int, said sessionAnswer) {
	r, err := http.NewRequestWithContext(m.t.Context(), method, m.url+"/v1/checkout_sessions/"+m.reference, strings.NewReader(body))
	if err != nil {
		m.t.Error(err)
		return 0, said
	}
	r.Header.Set("Authorization", "Bearer "+apiKey)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	res, err := (&http.Client{Transport: m, Timeout: 20 * time.Second}).Do(r)
	if err != nil { // it was killed
		return 0, said
	}
	defer func() { _ = res.Body.Close() }()
	if err := json.NewDecoder(res.Body).Decode(&said); err != nil {
		return 0, said
	}
	return res.StatusCode, said
}

// change puts the basket with so many of a thing, until it is answered. nil: the session is
// bought.
func (m *sessionLife) change(quantity int64) *sessionAnswer {
	mode := ""
	if m.embedded {
		mode = `"mode": "embedded", "checkout_url": "http://localhost:8001/checkout", `
	}
	body := fmt.Sprintf(`{`+mode+`"country": "SE", "success_url": "https://www.example.com/thanks", "delivery_options": [{"id": "parcel", "name": "Home", "price": 7900, "tax_rate": 2500}],
		"order_lines": [{"id": "a", "name": "Peg", "quantity": %d, "unit_price": 1000, "tax_rate": 2500}]}`, quantity)
	want := quantity*1000 + 7900
	for time.Now().Before(m.until) {
		m.tell("put %d", want)
		status, said := m.api(http.MethodPut, body)
		m.tell("%d %s %d of revision %d", status, said.Code, said.OrderAmount, said.Revision)
		switch {
		case status == http.StatusOK, status == http.StatusCreated:
			if said.OrderAmount != want {
				m.t.Errorf("%s: put %d, the answer says %d", m.reference, want, said.OrderAmount)
			}
			m.count("changes")
			m.isAtKlarna(said)
			return &said
		case status == http.StatusConflict && said.Code == "complete":
			return nil
		case status == http.StatusConflict && said.Code == "purchase_running", status == 0, status >= 500, status == http.StatusTooManyRequests:
			m.count(fmt.Sprint("put ", status))
			time.Sleep(200 * time.Millisecond)
		default:
			m.t.Errorf("%s: put %d %s: %s", m.reference, status, said.Code, said.Detail)
			return nil
		}
	}
	m.t.Errorf("%s: the merchant's server got no answer in time", m.reference)
	return nil
}

// isAtKlarna looks whether the order that a form shows says what was answered with 2xx. A try
// that was given up, or that of a killed process, may have landed since: then it is mended
// in the loop's time, at the latest when the last one can have landed.
func (m *sessionLife) isAtKlarna(said sessionAnswer) {
	row, found, err := m.here.CheckoutSessions.ByReference(m.t.Context(), m.reference)
	if err != nil || !found {
		m.t.Errorf("%s: %v", m.reference, err)
		return
	}
	m.count("looks")
	late := false
	for until := time.Now().Add(mendTime); ; time.Sleep(500 * time.Millisecond) {
		c, err := m.here.Carts.Get(m.t.Context(), row.CartID, cart.Fallback{})
		if err != nil || c.OrderID == "" || len(c.Bought) > 0 || m.atKlarna(c.OrderID) == said.OrderAmount {
			return
		}
		if approved, running, err := m.here.Stock.OfOrder(m.t.Context(), c.OrderID); err != nil || running && time.Since(approved.Made) < stock.Young {
			m.count("purchases running") // a press whose answer was lost: not mended before it is over
			return
		}
		if time.Now().After(until) {
			m.t.Errorf("%s: revision %d of %d was answered, Klarna's order %s says %d\n%s", m.reference, said.Revision, said.OrderAmount,
				c.OrderID, m.atKlarna(c.OrderID), strings.Join(m.updates(c.OrderID), "\n"))
			return
		}
		if !late {
			m.count("late landings")
		}
		late = true
	}
}

// updates are the calls that have changed an order.
func (s *sessionSoak) updates(id string) (told []string) {
	for _, r := range s.fake.Requests(id) {
		var sent struct {
			OrderAmount int64 `json:"order_amount"`
		}
		if r.Method == http.MethodPost && json.Unmarshal(r.Request, &sent) == nil && sent.OrderAmount != 0 {
			told = append(told, fmt.Sprintf("%s +%d ms: %d %d %v", r.Time.Format("05.000"), r.DurationMS, sent.OrderAmount, r.Status, r.Faults))
		}
	}
	return told
}

func (s *sessionSoak) atKlarna(id string) int64 {
	for _, o := range s.fake.Orders() {
		if o.OrderID == id {
			return o.OrderAmount
		}
	}
	return -1
}

var (
	pageOrder = regexp.MustCompile(`"order_id":"([^"]+)"`)
	pageTotal = regexp.MustCompile(`data-total data-amount="(\d+)"`)
)

// shop is what the shopper does: he looks, types, and presses Buy until it is bought.
func (m *sessionLife) shop(random *rand.Rand, link string) {
	jar, _ := cookiejar.New(nil)
	browser := &http.Client{Transport: m, Jar: jar, Timeout: 20 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	do := func(method, path, body string) (status int, text, to string) {
		r, err := http.NewRequestWithContext(m.t.Context(), method, path, strings.NewReader(body))
		if err != nil {
			m.t.Error(err)
			return 0, "", ""
		}
		if body != "" {
			r.Header.Set("Content-Type", "application/json")
		}
		res, err := browser.Do(r)
		if err != nil {
			return 0, "", ""
		}
		defer func() { _ = res.Body.Close() }()
		read, err := io.ReadAll(res.Body)
		if err != nil {
			return 0, "", ""
		}
		return res.StatusCode, string(read), res.Header.Get("Location")
	}
	page, opened := m.url+"/checkout/s/"+m.reference, false
	for time.Now().Before(m.until) && !m.t.Failed() {
		if !opened {
			status, _, _ := do(http.MethodGet, link, "")
			opened = status == http.StatusSeeOther
			continue
		}
		status, text, to := do(http.MethodGet, page, "")
		switch {
		case status == http.StatusSeeOther && strings.Contains(to, "/checkout/confirmation"):
			status, _, to = do(http.MethodGet, m.url+to, "")
			if status == http.StatusSeeOther && strings.HasPrefix(to, "https://www.example.com/thanks") {
				m.count("sold")
				return
			}
			continue
		case status == http.StatusNotFound: // the claim was lost with a killed process
			opened = false
			continue
		case status != http.StatusOK:
			time.Sleep(200 * time.Millisecond)
			continue
		}
		order, total := pageOrder.FindStringSubmatch(text), pageTotal.FindStringSubmatch(text)
		if order == nil || total == nil {
			m.t.Errorf("%s: a page without an order:\n%s", m.reference, text)
			return
		}
		m.sees(total[1])
		if random.IntN(2) == 0 {
			_, _ = m.fake.Shopper(order[1], fakeklarna.Action{Type: map[string]string{"postal_code": fmt.Sprint(11120 + random.IntN(9))}})
		}
		if random.IntN(2) == 0 {
			m.follow(do, page, order[1])
		}
		if !m.changed.Load() && random.IntN(10) > 0 {
			continue
		}
		m.tell("buys %s on a page of %s", order[1], total[1])
		out, err := m.fake.Shopper(order[1], fakeklarna.Action{Buy: &fakeklarna.Buy{}})
		m.tell("bought %t of %d: %v %v", out.ConfirmationURL != "", out.Total, out.Refused, err)
		switch {
		case err != nil, out.Refused != nil:
			m.count("refused")
		case out.ConfirmationURL != "":
			m.count("bought")
			if random.IntN(2) == 0 { // the browser is closed: push or loop place it
				return
			}
		}
	}
	if !m.t.Failed() {
		m.t.Errorf("%s: not bought in time", m.reference)
	}
}

// shopEmbedded is what a shopper does whose checkout stands in a page of the merchant's: the page mounts the form,
// follows, and he presses Buy until it is bought.
func (m *sessionLife) shopEmbedded(random *rand.Rand, secret string) {
	type answer struct {
		OrderID     string `json:"order_id"`
		Revision    int64  `json:"revision"`
		OrderAmount int64  `json:"order_amount"`
		Code        string `json:"code"`
		Redirect    string `json:"redirect"`
	}
	ask := func(what, order string, seen int64) (status int, said answer) {
		body, _ := json.Marshal(map[string]any{"client_secret": secret, "order_id": order, "seen": seen})
		r, err := http.NewRequestWithContext(m.t.Context(), http.MethodPost, m.url+"/v1/embed"+what, strings.NewReader(string(body)))
		if err != nil {
			m.t.Error(err)
			return 0, said
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Origin", "http://localhost:8001")
		res, err := (&http.Client{Transport: m, Timeout: 20 * time.Second}).Do(r)
		if err != nil { // it was killed
			return 0, said
		}
		defer func() { _ = res.Body.Close() }()
		if json.NewDecoder(res.Body).Decode(&said) != nil {
			return 0, said
		}
		return res.StatusCode, said
	}
	order := "" // that the page shows
	for time.Now().Before(m.until) && !m.t.Failed() {
		before := order
		status, said := ask("", order, 0)
		switch {
		case status == http.StatusConflict && said.Code == "complete":
			m.count("sold embedded")
			return
		case status == http.StatusConflict && said.Code == "placing", status == 0, status >= 500, status == http.StatusTooManyRequests:
			time.Sleep(200 * time.Millisecond)
			continue
		case status != http.StatusOK:
			m.t.Errorf("%s: the page is answered %d %s", m.reference, status, said.Code)
			return
		}
		order = said.OrderID
		m.sees(strconv.FormatInt(said.OrderAmount, 10))
		if before != "" { // of an open page the form is let go, or another one takes its place, and then shows it
			_, _ = ask("/state", order, said.Revision)
		}
		if random.IntN(2) == 0 {
			_, _ = m.fake.Shopper(order, fakeklarna.Action{Type: map[string]string{"postal_code": fmt.Sprint(11120 + random.IntN(9))}})
		}
		if !m.changed.Load() && random.IntN(10) > 0 {
			continue
		}
		m.tell("buys %s in a page of %d", order, said.OrderAmount)
		out, err := m.fake.Shopper(order, fakeklarna.Action{Buy: &fakeklarna.Buy{}})
		m.tell("bought %t of %d: %v %v", out.ConfirmationURL != "", out.Total, out.Refused, err)
		switch {
		case err != nil, out.Refused != nil:
			m.count("refused")
			if random.IntN(2) == 0 {
				order = "" // he loads the page anew
			}
		case out.ConfirmationURL != "":
			m.count("bought")
			if random.IntN(2) == 0 { // the browser is closed: push or loop place it
				return
			}
		}
	}
	if !m.t.Failed() {
		m.t.Errorf("%s: not bought in time", m.reference)
	}
}

func (m *sessionLife) sees(total string) {
	n, _ := strconv.ParseInt(total, 10, 64)
	m.shown[n] = true
}

// follow is what an open page does when the basket is another one.
func (m *sessionLife) follow(do func(method, path, body string) (int, string, string), page, order string) {
	status, text, _ := do(http.MethodPost, page+"/update", `{"order_id": "`+order+`"}`)
	var now struct {
		OrderAmount    int64 `json:"order_amount"`
		BasketRevision int64 `json:"basket_revision"`
	}
	if status != http.StatusOK || json.Unmarshal([]byte(text), &now) != nil {
		return
	}
	m.sees(strconv.FormatInt(now.OrderAmount, 10)) // the form is let go and shows it
	_, _, _ = do(http.MethodPost, page+"/seen", fmt.Sprintf(`{"revision": %d}`, now.BasketRevision))
}

// judge looks at all sessions when Klarna is well again.
func (s *sessionSoak) judge() {
	until := time.Now().Add(time.Minute)
	for i := range *sessionCount {
		m := &sessionLife{sessionSoak: s, reference: fmt.Sprintf("s-%d", i)}
		var said sessionAnswer
		for {
			if _, said = m.api(http.MethodGet, ""); said.Status == "complete" && said.Order != nil || time.Now().After(until) {
				break
			}
			time.Sleep(200 * time.Millisecond)
		}
		if said.Status != "complete" || said.Order == nil {
			s.t.Errorf("%s is %s", m.reference, said.Status)
			continue
		}
		bought := 0
		for _, o := range s.fake.Orders() {
			if o.MerchantReference2 != m.reference || o.Status != "checkout_complete" {
				continue
			}
			bought++
			if !s.shown[i][o.OrderAmount] {
				s.t.Errorf("%s: %d was paid, the shopper saw %v", m.reference, o.OrderAmount, s.shown[i])
			}
			if o.OrderAmount != said.OrderAmount {
				s.t.Errorf("%s: the session says %d, %d was paid:\n%s", m.reference, said.OrderAmount, o.OrderAmount, strings.Join(s.told[m.reference], "\n"))
			}
		}
		if bought != 1 {
			s.t.Errorf("%s was bought %d times", m.reference, bought)
		}
	}
	for reference, n := range s.rows("select reference, count(*) from orders group by reference") {
		if n != 1 {
			s.t.Errorf("%s: %d orders in the book", reference, n)
		}
	}
	if n := len(s.rows("select reference, count(*) from orders group by reference")); n != *sessionCount {
		s.t.Errorf("%d orders in the book of %d sessions", n, *sessionCount)
	}
	for reference, n := range s.rows("select subject, count(*) from events where type = 'checkout_session.completed' group by subject") {
		if n != 1 {
			s.t.Errorf("%s: completed %d times", reference, n)
		}
	}
}

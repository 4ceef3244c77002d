package fakeklarna_test

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"
)

// A new member of a room is in the snapshot, or here with the reason.
func TestSnapshotHasAllState(t *testing.T) {
	const wiring, machinery = "made at the start", "machinery"
	notHeld := map[string]string{
		"State.engineConfig": "options", "State.closed": machinery, "State.close": machinery, "State.mu": machinery,
		"State.endpoints": wiring, "State.performs": wiring, "State.parts": wiring,
		"State.running": "calls that run end with a restore", "State.working": "as those that run end", "State.rested": machinery,
		"State.stirred": machinery, "State.forgot": machinery, "State.jobTimer": "set by the jobs again",
		"State.offset": "by the snapshot's time: the clock goes on from there",
		"State.origin": "of the request that came last",

		"callbackSender.engineState": wiring, "callbackSender.hosts": "an option", "callbackSender.transport": "an option", "callbackSender.sent": machinery,
		"managementService.engineState": wiring, "managementService.calls": wiring, "managementService.closeRefunded": "an option", "managementService.pushDelay": "an option",
		"checkoutService.engineState": wiring, "checkoutService.checkoutConfig": "options", "checkoutService.calls": wiring, "checkoutService.om": wiring,
		"paymentsService.engineState": wiring, "paymentsService.merchantName": "an option", "paymentsService.calls": wiring, "paymentsService.om": wiring,
	}
	held, all := fakeklarna.New(fakeklarna.Options{}).StateParts()
	for _, name := range all {
		if in := slices.Contains(held, name); in == (notHeld[name] != "") {
			t.Errorf("%s: in the snapshot: %v, on the list of what is not: %q", name, in, notHeld[name])
		}
	}
	for name := range notHeld {
		if !slices.Contains(all, name) {
			t.Errorf("there is no member %s", name)
		}
	}
	unsaved := []string{
		"order.busy", // of a callback that runs: with the snapshot it has ended
	}
	if diff := cmp.Diff(unsaved, fakeklarna.New(fakeklarna.Options{}).Unsaved()); diff != "" {
		t.Errorf("members that JSON leaves out (-expected +found):\n%s", diff)
	}
}

// A restored fake goes on as the first one would: it shows the same, its clock
// runs on, and its next IDs are the same.
func TestSnapshotAndRestore(t *testing.T) {
	first := lived(t, fakeklarna.Options{Seed: 7})
	answer := first.send("GET", "/fake/snapshot", "")
	if answer.status != 200 || !json.Valid(answer.body) {
		t.Fatalf("got %d %s", answer.status, answer.body)
	}
	second := newShop(t, fakeklarna.Options{PublicURL: first.fake.URL}) // so that snippets are the same
	second.start(caseA())
	if got := second.send("POST", "/fake/snapshot", string(answer.body)); got.status != 200 {
		t.Fatalf("restore: got %d %s", got.status, got.body)
	}
	if diff := cmp.Diff(first.fake.Orders(), second.fake.Orders()); diff != "" {
		t.Errorf("orders (-first +second):\n%s", diff)
	}
	if diff := cmp.Diff(generic(text(first.fake.Requests(""))), generic(text(second.fake.Requests("")))); diff != "" {
		t.Errorf("requests (-first +second):\n%s", diff)
	}
	for _, path := range []string{"/fake/sessions", "/fake/callbacks"} {
		if diff := cmp.Diff(decode(string(first.send("GET", path, "").body)), decode(string(second.send("GET", path, "").body))); diff != "" {
			t.Errorf("%s (-first +second):\n%s", path, diff)
		}
	}
	for _, o := range first.fake.Orders() {
		one, _ := first.fake.Managed(o.OrderID)
		other, _ := second.fake.Managed(o.OrderID)
		if diff := cmp.Diff(one, other); diff != "" {
			t.Errorf("managed order (-first +second):\n%s", diff)
		}
	}
	bought := first.fake.Orders()[1].OrderID
	for _, s := range []*shop{first, second} {
		s.sendKeyed("/ordermanagement/v1/orders/"+bought+"/captures", `{"captured_amount":1000}`, "key-1")
		if m, _ := s.fake.Managed(bought); m.CapturedAmount != 1000 {
			t.Errorf("got %d captured, want the call with a known key to have no effect", m.CapturedAmount)
		}
	}
	if diff := cmp.Diff(first.fake.Faults(), second.fake.Faults()); diff != "" {
		t.Errorf("faults (-first +second):\n%s", diff)
	}
	if apart := first.fake.Now().Sub(second.fake.Now()).Abs(); apart > time.Minute {
		t.Errorf("the clocks are %v apart", apart)
	}
	second.id = first.id
	for _, s := range []*shop{first, second} {
		s.shopper(action{Buy: &fakeklarna.Buy{}})
	}
	a, b := first.start(caseA()), second.start(caseA())
	if a.OrderID != b.OrderID {
		t.Errorf("the next orders are %s and %s, want the same", a.OrderID, b.OrderID)
	}
	if err := second.fake.Restore(first.fake.Snapshot()); err != nil {
		t.Error(err)
	}
	if again := second.fake.Snapshot(); !cmp.Equal(stateOf(t, first.fake.Snapshot()), stateOf(t, again)) {
		t.Errorf("a snapshot of what was restored differs:\n%s", cmp.Diff(stateOf(t, first.fake.Snapshot()), stateOf(t, again)))
	}
}

func stateOf(t testing.TB, snapshot []byte) any {
	t.Helper()
	state, ok := decode(string(snapshot))["state"]
	if !ok {
		t.Fatalf("no state in %s", snapshot)
	}
	return state
}

// The clock of a snapshot stood still while it lay in a file.
func TestSnapshotKeepsItsTime(t *testing.T) {
	s := newShop(t, fakeklarna.Options{})
	s.start(caseA())
	old := decode(string(s.fake.Snapshot()))
	moved := strings.ReplaceAll(text(old), s.fake.Now().UTC().Format("2006-01-02T"), "2020-02-03T")
	moved = strings.ReplaceAll(moved, s.fake.Now().Format("2006-01-02T"), "2020-02-03T")
	if err := s.fake.Restore([]byte(moved)); err != nil {
		t.Fatal(err)
	}
	if year := s.fake.Now().Year(); year != 2020 {
		t.Errorf("the year is %d, want 2020", year)
	}
	if got := s.send("GET", kcoOrders+"/"+s.id, ""); got.status != 200 {
		t.Errorf("got %d, want an order that lives on", got.status)
	}
}

// What is not a snapshot is refused, and the state stays.
func TestRefusedSnapshots(t *testing.T) {
	s := lived(t, fakeklarna.Options{Seed: 3})
	before := s.fake.Orders()
	edit := func(changes ...any) string { return text(with(decode(string(s.fake.Snapshot())), changes...)) }
	for name, row := range map[string]struct{ body, want string }{
		"empty":                     {"", "EOF"},
		"a list":                    {"[]", "cannot unmarshal"},
		"nothing in it":             {"{}", "version: 0 is not 1"},
		"unknown member":            {`{"version":1,"x":1}`, "unknown field"},
		"another version":           {edit("version", 2), "version: 2 is not 1"},
		"time out of reach":         {edit("now", "1800-01-01T00:00:00Z"), "century"},
		"unknown part":              {edit("state.x", 1), "state.x: there is no such part"},
		"part of the wrong type":    {edit("state.orders", "x"), "state.orders: "},
		"null among orders":         {edit("state.orders", []any{nil}), "state.orders: has a null"},
		"null for the chance":       {edit("state.chance", nil), "state.chance: has a null"},
		"chance that is none":       {edit("state.chance", "AAAA"), "state.chance: "},
		"order without an ID":       {edit("state.orders[0].ID", ""), "is missing or twice"},
		"order twice":               {edit("state.orders[0].ID", s.id), "is missing or twice"},
		"status that is none":       {edit("state.orders[0].Status", "sold"), `there is no status "sold"`},
		"content without country":   {edit("state.orders[0].Content.purchase_country", gone{}), "Bad value: purchase_country"},
		"content without URLs":      {edit("state.orders[0].Content.merchant_urls", gone{}), "merchant_urls is missing"},
		"content of a wrong type":   {edit("state.orders[0].Content.order_lines", []any{1}), "cannot unmarshal"},
		"typed in no field":         {edit("state.orders[0].Typed", map[string]any{"x": "y"}), `no field "x"`},
		"session that is not there": {edit("state.payments.Newest", []string{"x"}), "is not there or is listed twice"},
		"sessions null":             {edit("state.payments.Sessions", nil), "state.payments: has a null"},
		"null among authorizations": {edit("state.payments.Authorizations", map[string]any{"x": nil}), "state.payments: has a null"},
		"authorization of nobody":   {edit("state.payments.Authorizations", map[string]any{"x": map[string]any{}}), "authorization x: its session"},
		"customer token of nobody":  {edit("state.payments.Tokens", map[string]any{"x": map[string]any{}}), "customer token x: its session"},
		"managed by another ID":     {edit("state.managed", map[string]any{"x": map[string]any{}}), "order x says that it is"},
		"managed null":              {edit("state.managed", nil), "state.managed: has a null"},
		"answers null":              {edit("state.answers.ByKey", nil), "state.answers: has a null"},
		"job of no kind":            {edit("state.jobs", []any{map[string]any{"Kind": "x"}}), `there is no kind "x"`},
		"fault without effect":      {edit("state.faults[0].status", 0, "state.faults[0].body", gone{}, "state.faults[0].header", gone{}), "no effect"},
	} {
		t.Run(name, func(t *testing.T) {
			got := s.send("POST", "/fake/snapshot", row.body)
			if got.status != 400 || !strings.Contains(string(got.body), text(row.want)[1:len(text(row.want))-1]) {
				t.Errorf("got %d %s, want 400 with %s", got.status, got.body, row.want)
			}
			if diff := cmp.Diff(before, s.fake.Orders()); diff != "" {
				t.Errorf("the state changed (-before +after):\n%s", diff)
			}
		})
	}
}

// With the same seed the same calls get the same IDs, tokens and all.
func TestSeed(t *testing.T) {
	content := func(s *shop) string {
		var all []string
		for _, o := range s.fake.Orders() {
			all = append(all, o.OrderID, o.RecurringToken, strings.ReplaceAll(o.HTMLSnippet, s.fake.URL, ""))
		}
		for _, r := range s.fake.Requests("") {
			all = append(all, r.CorrelationID)
		}
		return strings.Join(all, "\n")
	}
	one, same := lived(t, fakeklarna.Options{Seed: 7}), lived(t, fakeklarna.Options{Seed: 7})
	if diff := cmp.Diff(content(one), content(same)); diff != "" {
		t.Errorf("same seed (-one +same):\n%s", diff)
	}
	for name, o := range map[string]fakeklarna.Options{"another seed": {Seed: 8}, "no seed": {}} {
		if other := lived(t, o); one.fake.Orders()[0].OrderID == other.fake.Orders()[0].OrderID {
			t.Errorf("%s: the same ID came", name)
		}
	}
	one.fake.Reset()
	if a, b := one.start(caseA()).OrderID, newShop(t, fakeklarna.Options{Seed: 7}).start(caseA()).OrderID; a != b {
		t.Errorf("after Reset: got %s, want %s", a, b)
	}
}

// FuzzRestore: a snapshot that was changed anywhere is refused or works.
func FuzzRestore(f *testing.F) {
	whole := string(lived(f, fakeklarna.Options{Seed: 5}).fake.Snapshot())
	for seed := range uint64(200) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		call := newCaller(t)
		changed := mutate(rand.New(rand.NewPCG(seed, 2)), decode(whole))
		if got := call.do("POST", "/fake/snapshot", text(changed)); got.status >= 500 {
			t.Fatalf("got %d %s", got.status, got.body)
		}
		call.fake.Advance(time.Minute)
		for _, path := range []string{"/fake/", "/fake/orders", "/fake/sessions", "/fake/requests", "/fake/callbacks", "/fake/faults", "/fake/clock", "/fake/snapshot"} {
			if got := call.do("GET", path, ""); got.status >= 500 {
				t.Errorf("%s: got %d %s", path, got.status, got.body)
			}
		}
		for _, p := range call.fake.Sessions() {
			if got := call.do("POST", "/fake/sessions/"+p.SessionID+"/shopper", `{"authorize":{}}`); got.status >= 500 {
				t.Errorf("session %s: got %d %s", p.SessionID, got.status, got.body)
			}
		}
		for _, o := range call.fake.Orders() {
			for _, got := range []answer{
				call.do("GET", kcoOrders+"/"+o.OrderID, ""), call.do("POST", kcoOrders+"/"+o.OrderID, "{}"),
				call.do("POST", "/fake/orders/"+o.OrderID+"/shopper", `{"buy":{}}`),
				call.do("POST", "/ordermanagement/v1/orders/"+o.OrderID+"/captures", `{"captured_amount":1}`),
				call.do("POST", "/ordermanagement/v1/orders/"+o.OrderID+"/refunds", `{"refunded_amount":1}`),
			} {
				if got.status >= 500 {
					t.Errorf("order %s: got %d %s", o.OrderID, got.status, got.body)
				}
			}
		}
	})
}

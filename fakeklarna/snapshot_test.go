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

	"github.com/shopd/shopd/fakeklarna/internal/faketest"
)

// A new member of a room is in the snapshot, or here with the reason.
func TestSnapshotHasAllState(t *testing.T) {
	const wiring, machinery = "made at the start", "machinery"
	notHeld := map[string]string{
		"engine.Config": "options", "engine.Closed": machinery, "engine.close": machinery, "engine.Mu": machinery,
		"engine.endpoints": wiring, "engine.performs": wiring, "engine.parts": wiring,
		"engine.running": "calls that run end with a restore", "engine.working": "as those that run end", "engine.rested": machinery,
		"engine.stirred": machinery, "engine.Forgot": machinery, "engine.jobTimer": "set by the jobs again",
		"engine.Offset": "by the snapshot's time: the clock goes on from there",
		"engine.origin": "of the request that came last",

		"callback.State": wiring, "callback.hosts": "an option", "callback.transport": "an option", "callback.sent": machinery,
		"management.State": wiring, "management.calls": wiring, "management.Config": "options",
		"checkout.State": wiring, "checkout.Config": "options", "checkout.calls": wiring, "checkout.om": wiring,
		"payments.State": wiring, "payments.MerchantName": "an option", "payments.calls": wiring, "payments.om": wiring,
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
		"Job.running", // with the snapshot it is still to be done
		"Stored.busy", // of a callback that runs: with the snapshot it has ended
	}
	if diff := cmp.Diff(unsaved, fakeklarna.New(fakeklarna.Options{}).Unsaved()); diff != "" {
		t.Errorf("members that JSON leaves out (-expected +found):\n%s", diff)
	}
}

// A restored fake goes on as the first one would: it shows the same, its clock
// runs on, and its next IDs are the same.
func TestSnapshotAndRestore(t *testing.T) {
	first := faketest.Lived(t, fakeklarna.Options{Seed: 7})
	answer := first.Send("GET", "/fake/snapshot", "")
	if answer.Status != 200 || !json.Valid(answer.Body) {
		t.Fatalf("got %d %s", answer.Status, answer.Body)
	}
	second := faketest.NewShop(t, fakeklarna.Options{PublicURL: first.Fake.URL}) // so that snippets are the same
	second.Start(faketest.CaseA())
	if got := second.Send("POST", "/fake/snapshot", string(answer.Body)); got.Status != 200 {
		t.Fatalf("restore: got %d %s", got.Status, got.Body)
	}
	if diff := cmp.Diff(first.Fake.Orders(), second.Fake.Orders()); diff != "" {
		t.Errorf("orders (-first +second):\n%s", diff)
	}
	if diff := cmp.Diff(faketest.Generic(faketest.Text(first.Fake.Requests(""))), faketest.Generic(faketest.Text(second.Fake.Requests("")))); diff != "" {
		t.Errorf("requests (-first +second):\n%s", diff)
	}
	for _, path := range []string{"/fake/sessions", "/fake/callbacks"} {
		if diff := cmp.Diff(faketest.Decode(string(first.Send("GET", path, "").Body)), faketest.Decode(string(second.Send("GET", path, "").Body))); diff != "" {
			t.Errorf("%s (-first +second):\n%s", path, diff)
		}
	}
	for _, o := range first.Fake.Orders() {
		one, _ := first.Fake.Managed(o.OrderID)
		other, _ := second.Fake.Managed(o.OrderID)
		if diff := cmp.Diff(one, other); diff != "" {
			t.Errorf("managed order (-first +second):\n%s", diff)
		}
	}
	bought := first.Fake.Orders()[1].OrderID
	for _, s := range []*faketest.Shop{first, second} {
		s.SendKeyed("/ordermanagement/v1/orders/"+bought+"/captures", `{"captured_amount":1000}`, "key-1")
		if m, _ := s.Fake.Managed(bought); m.CapturedAmount != 1000 {
			t.Errorf("got %d captured, want the call with a known key to have no effect", m.CapturedAmount)
		}
	}
	if diff := cmp.Diff(first.Fake.Faults(), second.Fake.Faults()); diff != "" {
		t.Errorf("faults (-first +second):\n%s", diff)
	}
	if apart := first.Fake.Now().Sub(second.Fake.Now()).Abs(); apart > time.Minute {
		t.Errorf("the clocks are %v apart", apart)
	}
	second.ID = first.ID
	for _, s := range []*faketest.Shop{first, second} {
		s.Shopper(faketest.Action{Buy: &fakeklarna.Buy{}})
	}
	a, b := first.Start(faketest.CaseA()), second.Start(faketest.CaseA())
	if a.OrderID != b.OrderID {
		t.Errorf("the next orders are %s and %s, want the same", a.OrderID, b.OrderID)
	}
	if err := second.Fake.Restore(first.Fake.Snapshot()); err != nil {
		t.Error(err)
	}
	if again := second.Fake.Snapshot(); !cmp.Equal(stateOf(t, first.Fake.Snapshot()), stateOf(t, again)) {
		t.Errorf("a snapshot of what was restored differs:\n%s", cmp.Diff(stateOf(t, first.Fake.Snapshot()), stateOf(t, again)))
	}
}

func stateOf(t testing.TB, snapshot []byte) any {
	t.Helper()
	state, ok := faketest.Decode(string(snapshot))["state"]
	if !ok {
		t.Fatalf("no state in %s", snapshot)
	}
	return state
}

// The clock of a snapshot stood still while it lay in a file.
func TestSnapshotKeepsItsTime(t *testing.T) {
	s := faketest.NewShop(t, fakeklarna.Options{})
	s.Start(faketest.CaseA())
	old := faketest.Decode(string(s.Fake.Snapshot()))
	moved := strings.ReplaceAll(faketest.Text(old), s.Fake.Now().UTC().Format("2006-01-02T"), "2020-02-03T")
	moved = strings.ReplaceAll(moved, s.Fake.Now().Format("2006-01-02T"), "2020-02-03T")
	if err := s.Fake.Restore([]byte(moved)); err != nil {
		t.Fatal(err)
	}
	if year := s.Fake.Now().Year(); year != 2020 {
		t.Errorf("the year is %d, want 2020", year)
	}
	if got := s.Send("GET", faketest.OrdersPath+"/"+s.ID, ""); got.Status != 200 {
		t.Errorf("got %d, want an order that lives on", got.Status)
	}
}

// What is not a snapshot is refused, and the state stays.
func TestRefusedSnapshots(t *testing.T) {
	s := faketest.Lived(t, fakeklarna.Options{Seed: 3})
	before := s.Fake.Orders()
	edit := func(changes ...any) string {
		return faketest.Text(faketest.With(faketest.Decode(string(s.Fake.Snapshot())), changes...))
	}
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
		"order twice":               {edit("state.orders[0].ID", s.ID), "is missing or twice"},
		"status that is none":       {edit("state.orders[0].Status", "sold"), `there is no status "sold"`},
		"content without country":   {edit("state.orders[0].Content.purchase_country", faketest.Gone{}), "Bad value: purchase_country"},
		"content without URLs":      {edit("state.orders[0].Content.merchant_urls", faketest.Gone{}), "merchant_urls is missing"},
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
		"fault without effect":      {edit("state.faults[0].status", 0, "state.faults[0].body", faketest.Gone{}, "state.faults[0].header", faketest.Gone{}), "no effect"},
	} {
		t.Run(name, func(t *testing.T) {
			got := s.Send("POST", "/fake/snapshot", row.body)
			if got.Status != 400 || !strings.Contains(string(got.Body), faketest.Text(row.want)[1:len(faketest.Text(row.want))-1]) {
				t.Errorf("got %d %s, want 400 with %s", got.Status, got.Body, row.want)
			}
			if diff := cmp.Diff(before, s.Fake.Orders()); diff != "" {
				t.Errorf("the state changed (-before +after):\n%s", diff)
			}
		})
	}
}

// With the same seed the same calls get the same IDs, tokens and all.
func TestSeed(t *testing.T) {
	content := func(s *faketest.Shop) string {
		var all []string
		for _, o := range s.Fake.Orders() {
			all = append(all, o.OrderID, o.RecurringToken, strings.ReplaceAll(o.HTMLSnippet, s.Fake.URL, ""))
		}
		for _, r := range s.Fake.Requests("") {
			all = append(all, r.CorrelationID)
		}
		return strings.Join(all, "\n")
	}
	one, same := faketest.Lived(t, fakeklarna.Options{Seed: 7}), faketest.Lived(t, fakeklarna.Options{Seed: 7})
	if diff := cmp.Diff(content(one), content(same)); diff != "" {
		t.Errorf("same seed (-one +same):\n%s", diff)
	}
	for name, o := range map[string]fakeklarna.Options{"another seed": {Seed: 8}, "no seed": {}} {
		if other := faketest.Lived(t, o); one.Fake.Orders()[0].OrderID == other.Fake.Orders()[0].OrderID {
			t.Errorf("%s: the same ID came", name)
		}
	}
	one.Fake.Reset()
	if a, b := one.Start(faketest.CaseA()).OrderID, faketest.NewShop(t, fakeklarna.Options{Seed: 7}).Start(faketest.CaseA()).OrderID; a != b {
		t.Errorf("after Reset: got %s, want %s", a, b)
	}
}

// FuzzRestore: a snapshot that was changed anywhere is refused or works.
func FuzzRestore(f *testing.F) {
	whole := string(faketest.Lived(f, fakeklarna.Options{Seed: 5}).Fake.Snapshot())
	for seed := range uint64(200) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		call := faketest.NewCaller(t)
		changed := faketest.Mutate(rand.New(rand.NewPCG(seed, 2)), faketest.Decode(whole))
		if got := call.Do("POST", "/fake/snapshot", faketest.Text(changed)); got.Status >= 500 {
			t.Fatalf("got %d %s", got.Status, got.Body)
		}
		call.Fake.Advance(time.Minute)
		for _, path := range []string{"/fake/", "/fake/orders", "/fake/sessions", "/fake/requests", "/fake/callbacks", "/fake/faults", "/fake/clock", "/fake/snapshot"} {
			if got := call.Do("GET", path, ""); got.Status >= 500 {
				t.Errorf("%s: got %d %s", path, got.Status, got.Body)
			}
		}
		for _, p := range call.Fake.Sessions() {
			if got := call.Do("POST", "/fake/sessions/"+p.SessionID+"/shopper", `{"authorize":{}}`); got.Status >= 500 {
				t.Errorf("session %s: got %d %s", p.SessionID, got.Status, got.Body)
			}
		}
		for _, o := range call.Fake.Orders() {
			for _, got := range []faketest.Answer{
				call.Do("GET", faketest.OrdersPath+"/"+o.OrderID, ""), call.Do("POST", faketest.OrdersPath+"/"+o.OrderID, "{}"),
				call.Do("POST", "/fake/orders/"+o.OrderID+"/shopper", `{"buy":{}}`),
				call.Do("POST", "/ordermanagement/v1/orders/"+o.OrderID+"/captures", `{"captured_amount":1}`),
				call.Do("POST", "/ordermanagement/v1/orders/"+o.OrderID+"/refunds", `{"refunded_amount":1}`),
			} {
				if got.Status >= 500 {
					t.Errorf("order %s: got %d %s", o.OrderID, got.Status, got.Body)
				}
			}
		}
	})
}

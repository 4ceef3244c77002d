// Package fakeklarna is a Klarna that runs in memory: Klarna Checkout with its snippet and
// iframe, Klarna Payments with its widget, and Order Management. Its own interface shows
// what happened, acts as the shopper, breaks calls and moves the clock. It is for tests
// and laptops: it moves no money and keeps nothing.
//
// In a Go test:
//
//	fake := fakeklarna.NewServer(t, fakeklarna.Options{})
//	// point the client at fake.URL, user name and password "demo"
//	fake.AddFault(fakeklarna.Fault{Method: "POST", Status: 503})
//	fake.Advance(49 * time.Hour)
//	fake.Requests("") // every call that the fake received
//
// In other languages, run it as a process and use /fake/. docs/fake-klarna.md describes
// it. It also lists what is exact, and what is a choice where Klarna's documentation says
// nothing.
package fakeklarna

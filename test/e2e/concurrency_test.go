package e2e_test

import (
	"testing"
	"time"

	"github.com/shopd/shopd/fakeklarna"
)

const crowdTime = 5 * time.Second

// Several processes on one Redis, eight tabs of one session that change the
// cart and load the checkout at random. In the end, after one more load, no
// change that was answered is lost, there is one order, and it says what the
// cart says (invariants 1 to 3 of design.md).
func TestCrowd(t *testing.T) {
	for _, tc := range []struct {
		name   string
		faults []fakeklarna.Fault
		kill   bool // a process, in the middle
	}{
		{name: "Klarna is well"},
		{name: "Klarna fails", faults: []fakeklarna.Fault{
			{Status: 500}, {Status: 404}, {Status: 409}, {Reset: true}, {DropReply: true}, {Truncate: true}, {NotJSON: true},
		}},
		{name: "a process is killed", kill: true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := deploy(t, 3, fakeklarna.Options{})
			// Klarna's own time, before and after it stores: what is under way overtakes.
			d.fake.AddFault(fakeklarna.Fault{Jitter: fakeklarna.Duration(20 * time.Millisecond), JitterAfter: fakeklarna.Duration(20 * time.Millisecond), Count: -1})
			for _, f := range tc.faults {
				f.Probability, f.Count = 0.05, -1
				d.fake.AddFault(f)
			}
			c := newCrowd(d, crowdOptions{visitors: 1, tabs: 8, busy: true, fails: len(tc.faults) > 0})
			if tc.kill {
				time.AfterFunc(crowdTime/2, func() { c.kill(d.shops[0]) })
			}
			c.run(crowdTime)
			d.fake.ClearFaults()
			c.check()
			c.summary()
		})
	}
}

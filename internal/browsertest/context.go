package browsertest

import (
	"sync"

	"github.com/go-rod/rod"
	"github.com/go-rod/rod/lib/proto"
)

// context is a browser context that one test after another has for itself, because making one is expensive. Nothing is
// left of a test: no tab, no cookie. What a site stores belongs to its port, which no other test has.
type context struct{ *rod.Browser }

// idle are the contexts that no test has.
var idle struct {
	sync.Mutex
	contexts []*context
}

// borrow returns a context that nobody else has.
func borrow(b *rod.Browser) (*context, error) {
	idle.Lock()
	if n := len(idle.contexts); n > 0 {
		defer idle.Unlock()
		c := idle.contexts[n-1]
		idle.contexts = idle.contexts[:n-1]
		return c, nil
	}
	idle.Unlock()
	private, err := b.Incognito()
	if err != nil {
		return nil, err
	}
	return &context{private}, nil
}

// giveBack clears the context for the next test, or away when that does not work or it may be broken.
func (c *context) giveBack(broken bool) {
	if broken || c.clear() != nil {
		_ = proto.TargetDisposeBrowserContext{BrowserContextID: c.BrowserContextID}.Call(c)
		return
	}
	idle.Lock()
	defer idle.Unlock()
	idle.contexts = append(idle.contexts, c)
}

// clear closes all tabs and forgets all cookies.
func (c *context) clear() error {
	targets, err := proto.TargetGetTargets{}.Call(c)
	if err != nil {
		return err
	}
	for _, target := range targets.TargetInfos {
		if target.BrowserContextID == c.BrowserContextID && target.Type == proto.TargetTargetInfoTypePage {
			if _, err := (proto.TargetCloseTarget{TargetID: target.TargetID}).Call(c); err != nil {
				return err
			}
		}
	}
	return proto.StorageClearCookies{BrowserContextID: c.BrowserContextID}.Call(c)
}

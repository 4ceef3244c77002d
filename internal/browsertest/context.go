package browsertest

import (
	"github.com/go-rod/rod"
	"github.com/go-rod/rod/lib/proto"
)

// context is a browser context, used by one test at a time and again by later ones, because a new one is expensive. No
// tab or cookie of a test is left. Stored data belongs to a site's port, which no other test uses.
type context struct {
	*rod.Browser
	of *chromium
	// An empty tab that is never closed keeps the process in which all tabs of the context are: see flags.
	kept proto.TargetTargetID
}

// borrow returns an unused context.
func (c *chromium) borrow(b *rod.Browser) (*context, error) {
	c.mu.Lock()
	if n := len(c.idle); n > 0 {
		defer c.mu.Unlock()
		one := c.idle[n-1]
		c.idle = c.idle[:n-1]
		return one, nil
	}
	c.mu.Unlock()
	private, err := b.Incognito()
	if err != nil {
		return nil, err
	}
	kept, err := proto.TargetCreateTarget{URL: "about:blank", BrowserContextID: private.BrowserContextID, NewWindow: true}.Call(private)
	if err != nil {
		return nil, err
	}
	return &context{private, c, kept.TargetID}, nil
}

// giveBack clears the context for the next test. A context that may be broken is thrown away.
func (c *context) giveBack(broken bool) {
	if broken || c.clear() != nil {
		_ = proto.TargetDisposeBrowserContext{BrowserContextID: c.BrowserContextID}.Call(c)
		return
	}
	c.of.mu.Lock()
	defer c.of.mu.Unlock()
	c.of.idle = append(c.of.idle, c)
}

// clear closes all tabs of the test and deletes all cookies.
func (c *context) clear() error {
	targets, err := proto.TargetGetTargets{}.Call(c)
	if err != nil {
		return err
	}
	for _, target := range targets.TargetInfos {
		if target.BrowserContextID == c.BrowserContextID && target.Type == proto.TargetTargetInfoTypePage && target.TargetID != c.kept {
			if _, err := (proto.TargetCloseTarget{TargetID: target.TargetID}).Call(c); err != nil {
				return err
			}
		}
	}
	return proto.StorageClearCookies{BrowserContextID: c.BrowserContextID}.Call(c)
}

package doctor

import (
	"context"
	"errors"
	"fmt"

	"github.com/shopd/shopd/internal/publish"
	"github.com/shopd/shopd/internal/settings"
)

// shop says what is published.
func (d *Doctor) shop(_ context.Context, f *findings) {
	switch {
	case d.Published != nil:
	case d.DB == nil:
		f.wrong("what is published is not known without the database", "see database")
		return
	case errors.Is(d.Unread, publish.ErrNothing):
		f.wrong("nothing is published", "shopd publish -shop FILE -catalog FILE, or name both to serve; shopd check says what is wrong with them")
		return
	default:
		f.wrong(fmt.Sprintf("what is published cannot be read: %v", d.Unread), "see database, and what its user may read; shopd publish -list says what was published")
		return
	}
	v := d.Published.Now()
	f.right("version %d is published: %d products, sold in %d markets", v.Number, len(v.Catalog.Products()), len(v.Markets))
	for _, m := range v.Shop.Markets {
		if _, sold := v.Markets.Lookup(m.Country); !sold {
			f.note(fmt.Sprintf("nothing is sold in the market %s: no product has a price in %s", m.Country, m.Currency), "give prices, or take the market off the shop file")
		}
	}
	for _, warning := range v.Warnings {
		f.note(warning, "see docs/shop.md")
	}
}

// mail signs in at the mail server and sends nothing.
func (d *Doctor) mail(ctx context.Context, f *findings) {
	from := d.Published != nil && d.Published.Now().Shop.Mail.From.Address != ""
	sender := d.Mail()
	if sender == nil {
		if from {
			f.note("no mails are written, although the shop file says whom they are from: there is no mail server, so buyers get no mail about their orders", "give SHOPD_SMTP_URL, or take mail.from off the shop file")
		} else {
			f.note("no mails are written: there is no mail server", "give SHOPD_SMTP_URL, and mail.from in the shop file")
		}
		return
	}
	if d.Published != nil && !from {
		f.note("no mails are written: the shop file does not say whom they are from", "give mail.from in the shop file")
	}
	tried, ok := sender.(interface{ Try(context.Context) error })
	if !ok {
		f.right("mails are shown in the back office, and sent to nobody")
		return
	}
	if err := tried.Try(ctx); err != nil {
		f.wrong("no connection: "+why(err), "see host, port, user and password in SHOPD_SMTP_URL; mails wait for three days")
		return
	}
	f.right("the mail server takes connection, TLS and credentials")
}

// webhooks looks at each endpoint: how it went, and whether it can be called.
func (d *Doctor) webhooks(ctx context.Context, f *findings) {
	if d.Published == nil || d.Webhooks == nil {
		return
	}
	endpoints := d.Published.Now().Shop.Webhooks
	if len(endpoints) == 0 {
		f.right("no endpoint is to be told of events")
		return
	}
	off, err := d.Webhooks.Off(ctx)
	if err != nil {
		f.wrong("it cannot be read which are on: "+why(err), "see the database")
		return
	}
	for _, e := range endpoints {
		if o, is := off[e.ID]; is {
			f.wrong(fmt.Sprintf("%s is switched off since %s: %s", e.ID, o.At.Format("2006-01-02 15:04 UTC"), o.Why), "switch it on in /admin/webhooks, or give its new address")
			continue
		}
		if err := d.Webhooks.Reach(ctx, e); err != nil {
			f.wrong(e.ID+" cannot be called: "+why(err), "see its address and secret in the shop file, and the merchant's server")
			continue
		}
		failing, err := d.Webhooks.Failing(ctx, e.ID)
		switch {
		case err != nil:
			f.wrong("it cannot be read how "+e.ID+" did: "+why(err), "see the database")
		case failing.Count > 0:
			f.wrong(fmt.Sprintf("%s has %d events that were tried in vain; the last: %s", e.ID, failing.Count, failing.Problem), "see /admin/webhooks; they are tried for three days")
		default:
			f.right("%s can be called, and has what it should", e.ID)
		}
	}
}

// hooks looks whether the merchant's server can be asked. It asks nothing.
func (d *Doctor) hooks(ctx context.Context, f *findings) {
	if d.Published == nil || d.Webhooks == nil {
		return
	}
	of := d.Published.Now().Shop.Hooks
	for _, one := range []struct {
		name string
		hook *settings.Hook
	}{{"delivery", of.Delivery}, {"validate", of.Validate}} {
		if one.hook == nil {
			continue
		}
		if err := d.Webhooks.Reach(ctx, settings.Webhook{URL: one.hook.URL, SecretFile: one.hook.SecretFile}); err != nil {
			f.wrong(one.name+" cannot be asked: "+why(err), "see its address and secret in the shop file, and the merchant's server")
		} else {
			f.right("%s can be asked", one.name)
		}
	}
	if of.Delivery == nil && of.Validate == nil {
		f.right("the merchant's server is asked nothing")
	}
}

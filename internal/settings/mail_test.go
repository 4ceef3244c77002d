package settings_test

import (
	"net/mail"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/internal/settings"
)

// What a shop file says of mails: without `mail` none are written, without `send` all kinds.
func TestMail(t *testing.T) {
	for _, tt := range []struct {
		mail string
		want settings.Mail
	}{
		{"", settings.Mail{}},
		{`mail: {from: "Fjäll & Co <order@b.example>"}`, settings.Mail{From: mail.Address{Name: "Fjäll & Co", Address: "order@b.example"}, Send: settings.MailKinds()}},
		{`mail: {from: order@b.example, send: [order_shipped], sessions: true}`, settings.Mail{From: mail.Address{Address: "order@b.example"}, Send: []settings.MailKind{settings.MailShipped}, Sessions: true}},
		{`mail: {from: order@b.example, send: []}`, settings.Mail{From: mail.Address{Address: "order@b.example"}}},
	} {
		shop, _, err := settings.Read(settings.Source{File: []byte(strings.Replace(small, "storefront: true", tt.mail, 1)), Files: files()})
		if err != nil {
			t.Errorf("%s: %v", tt.mail, err)
			continue
		}
		if diff := cmp.Diff(tt.want, shop.Mail); diff != "" {
			t.Errorf("%s: %s", tt.mail, diff)
		}
	}
}

package backoffice

import (
	"encoding/base64"
	"strings"

	"github.com/shopd/shopd/internal/session"
)

// sealMark is the beginning of a sealed text.
const sealMark = "~"

// seal makes of what is searched for, which may be a name, a text for an address: browsers
// and proxies keep those. Who has the shop's secret can open it.
func (b *Backoffice) seal(text string) string {
	if text == "" {
		return ""
	}
	return sealMark + base64.RawURLEncoding.EncodeToString(session.Sealing(b.SearchKeys()[0]).Seal(nil, nil, []byte(text), nil)) //nolint:gosec // it makes a random nonce by itself
}

// open is what was sealed; false when it was not. A text without the mark is as it is.
func (b *Backoffice) open(text string) (string, bool) {
	sealed, is := strings.CutPrefix(text, sealMark)
	if !is {
		return strings.TrimSpace(text), true
	}
	data, err := base64.RawURLEncoding.DecodeString(sealed)
	if err != nil {
		return "", false
	}
	for _, key := range b.SearchKeys() {
		if opened, err := session.Sealing(key).Open(nil, nil, data, nil); err == nil {
			return string(opened), true
		}
	}
	return "", false
}

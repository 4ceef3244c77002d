// Package standardwebhooks signs what is sent to a merchant's server, as the Standard
// Webhooks specification says. Source: github.com/standard-webhooks/standard-webhooks.
package standardwebhooks

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Sign returns the signature of a message as webhook-signature has it, "v1," and base64. id
// is the message's webhook-id, at its webhook-timestamp in whole seconds. Several signatures
// stand in the header with blanks between.
func Sign(secret []byte, id string, at time.Time, body []byte) string {
	h := hmac.New(sha256.New, secret)
	h.Write([]byte(id + "." + strconv.FormatInt(at.Unix(), 10) + "."))
	h.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// What the specification asks of a secret, in bytes; and how many may sign at once, which is
// the one that goes and the one that comes.
const (
	minSecret = 24
	maxSecret = 64
	maxLines  = 2
)

// ParseSecrets reads the secrets of a file, "whsec_" and base64, one a line: one, or two while
// they are changed, which both sign. Empty lines do not count. The error has nothing of them.
func ParseSecrets(text string) (secrets [][]byte, err error) {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		encoded, ok := strings.CutPrefix(line, "whsec_")
		secret, err := base64.StdEncoding.DecodeString(encoded)
		if !ok || err != nil || len(secret) < minSecret || len(secret) > maxSecret {
			return nil, fmt.Errorf("a secret is whsec_ and the base64 of %d to %d random bytes", minSecret, maxSecret)
		}
		secrets = append(secrets, secret)
	}
	switch {
	case len(secrets) == 0:
		return nil, errors.New("there is no secret")
	case len(secrets) > maxLines:
		return nil, fmt.Errorf("there are more than %d secrets", maxLines)
	}
	return secrets, nil
}

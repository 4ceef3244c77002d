package api

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/shopd/shopd/internal/permission"
)

// Key says who may call. The key itself is not kept.
type Key struct {
	Name   string // in audits and logs
	Scopes []permission.Holder
}

// may reports whether one of the key's scopes has a right.
func (k Key) may(right permission.Right) bool {
	return slices.ContainsFunc(k.Scopes, func(scope permission.Holder) bool { return scope.Has(right) })
}

// Keys are keys by their SHA-256. So looking one up tells nothing of the others by its time.
type Keys map[[sha256.Size]byte]Key

var keyName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// ParseKeys reads lines name:scopes:SHA-256 of the key in hexadecimal, with commas between
// scopes. The error names the line.
func ParseKeys(text string) (Keys, error) {
	keys, names := Keys{}, []string{}
	n := 0
	for line := range strings.Lines(text) {
		n++
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		parts := strings.Split(line, ":")
		if len(parts) != 3 {
			return nil, fmt.Errorf("line %d is not name:scopes:hash", n)
		}
		key, err := parseKey(parts[0], parts[1])
		hash, hashErr := hex.DecodeString(parts[2])
		switch {
		case err != nil:
			return nil, fmt.Errorf("line %d: %w", n, err)
		case slices.Contains(names, parts[0]):
			return nil, fmt.Errorf("line %d: the name is there already", n)
		case hashErr != nil || len(hash) != sha256.Size:
			return nil, fmt.Errorf("line %d: the hash is not a SHA-256 in hexadecimal", n)
		}
		names = append(names, parts[0])
		keys[[sha256.Size]byte(hash)] = key
	}
	return keys, nil
}

func parseKey(name, scopes string) (Key, error) {
	key := Key{Name: name}
	if !keyName.MatchString(name) {
		return key, errors.New("a name has 1 to 64 of A-Z a-z 0-9 . _ -")
	}
	for scope := range strings.SplitSeq(scopes, ",") {
		if !slices.Contains(permission.Scopes(), permission.Holder(scope)) {
			return key, fmt.Errorf("%.20q is no scope: they are %v", scope, permission.Scopes())
		}
		key.Scopes = append(key.Scopes, permission.Holder(scope))
	}
	return key, nil
}

// NewKey makes a key, and the line for SHOPD_API_KEYS that lets it in. The error says what
// is wrong with name or scopes.
func NewKey(name, scopes string) (key, line string, err error) {
	if _, err := parseKey(name, scopes); err != nil {
		return "", "", err
	}
	key = "sk_" + rand.Text()
	return key, KeyLine(name, scopes, key), nil
}

// KeyLine is the line for SHOPD_API_KEYS of a key.
func KeyLine(name, scopes, key string) string {
	hash := sha256.Sum256([]byte(key))
	return name + ":" + scopes + ":" + hex.EncodeToString(hash[:])
}

// of is the key of a call; false without one that is known.
func (k Keys) of(r *http.Request) (Key, bool) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return Key{}, false
	}
	key, known := k[sha256.Sum256([]byte(strings.TrimSpace(token)))]
	return key, known
}

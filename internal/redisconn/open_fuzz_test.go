package redisconn_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/shopd/shopd/internal/redisconn"
)

// FuzzOpen: any text is a client or an error that does not show the password.
func FuzzOpen(f *testing.F) {
	for _, raw := range []string{
		"redis://u:longpassword@db.example:7000/2", "rediss://h", "unix:///run/redis.sock", "redis://a:1,b,c:3", "redis://a:1?cluster=true&master_name=x",
		"redis://:longpassword@h:1:2:x%", "redis://[::1]:6379", "redis://[::1", "redis://h/99999999999999999999", "redis://h?x=longpassword", "", "\x00",
	} {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		c, err := redisconn.Open(raw)
		if err == nil {
			if err := c.Close(); err != nil {
				t.Error(err)
			}
			return
		}
		if u, bad := url.Parse(raw); bad == nil && u.User != nil {
			if p, _ := u.User.Password(); len(p) > 6 && strings.Contains(err.Error(), p) && !strings.Contains(u.RawQuery, p) {
				t.Errorf("the error shows the password: %v", err)
			}
		}
	})
}

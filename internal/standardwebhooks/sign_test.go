package standardwebhooks_test

import (
	"strings"
	"testing"
	"time"

	"github.com/shopd/shopd/internal/standardwebhooks"
)

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// The example of the specification.
func TestSign(t *testing.T) {
	secrets, err := standardwebhooks.ParseSecrets(secret)
	if err != nil {
		t.Fatal(err)
	}
	got := standardwebhooks.Sign(secrets[0], "msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 999), []byte(`{"test": 2432232314}`))
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestParseSecrets(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       int // secrets; 0: an error
	}{
		{"one", secret, 1},
		{"lines", "\n" + secret + "\r\n\n" + secret + "\n", 2},
		{"three", strings.Repeat(secret+"\n", 3), 0},
		{"none", " \n", 0},
		{"no prefix", strings.TrimPrefix(secret, "whsec_"), 0},
		{"no base64", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS!", 0},
		{"short", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2La", 0},
		{"long", "whsec_" + strings.Repeat("AAAA", 22), 0},
		{"one good, one bad", secret + "\nwhsec_", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := standardwebhooks.ParseSecrets(c.text)
			if len(got) != c.want || (err == nil) != (c.want > 0) {
				t.Errorf("%d secrets, %v", len(got), err)
			}
			if err != nil && strings.Contains(err.Error(), "MfKQ") {
				t.Errorf("the error tells the secret: %v", err)
			}
		})
	}
}

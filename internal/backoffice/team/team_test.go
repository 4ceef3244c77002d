package team_test

import (
	"strings"
	"testing"

	"github.com/shopd/shopd/internal/backoffice/team"
	"github.com/shopd/shopd/internal/permission"
)

const hash = "$2a$04$kZYd2bmUqHnucHDybQk/3OSwZrOgNyGC6zCz2u.I0GIs2oyetlf1y"

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		members    int
		problems   []string
	}{
		{"nobody", "", 0, nil},
		{"empty lines", "\n  \r\n", 0, nil},
		{"two", "ada:manage:" + hash + "\r\nbo:view:" + hash + "\n", 2, nil},
		{"a name with a space and an é", "René B:view:" + hash, 1, nil},
		{"no role", "ada:" + hash, 0, []string{"line 1: is not name:role:bcrypt-hash"}},
		{"another role", "ada:admin:" + hash, 0, []string{"line 1: the role is neither"}},
		{"no name", ":view:" + hash, 0, []string{"line 1: a name has"}},
		{"a space before the name's end", "ada :view:" + hash, 0, []string{"line 1: a name has"}},
		{"a control character", "a\tb:view:" + hash, 0, []string{"line 1: a name has"}},
		{"a long name", strings.Repeat("a", 65) + ":view:" + hash, 0, []string{"line 1: a name has"}},
		{"a plain password", "ada:view:secret", 0, []string{"line 1: what follows the role is not a bcrypt hash"}},
		{"another hash", "ada:view:$argon2id$v=19$m=65536", 0, []string{"line 1: what follows"}},
		{"half a hash", "ada:view:" + hash[:40], 0, []string{"line 1: what follows"}},
		{"a cost that takes minutes", "ada:view:" + strings.Replace(hash, "$04$", "$20$", 1), 0, []string{"line 1: the hash has cost 20, at most 14"}},
		{"twice", "ada:view:" + hash + "\nada:manage:" + hash, 1, []string{"line 2: the name is on a line before"}},
		{"each line", "x\n\nada:view:" + hash + "\ny:z:" + hash, 1, []string{"line 1: ", "line 4: "}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			members, err := team.Parse(tt.text)
			if len(members) != tt.members || (err != nil) != (tt.problems != nil) {
				t.Fatalf("got %d members, %v; want %d, %q", len(members), err, tt.members, tt.problems)
			}
			for _, problem := range tt.problems {
				if !strings.Contains(err.Error(), problem) {
					t.Errorf("no %q in %q", problem, err)
				}
			}
			if err != nil && (strings.Contains(err.Error(), "$2a$") || strings.Contains(err.Error(), "secret")) {
				t.Errorf("the error has a hash or a password: %v", err)
			}
		})
	}
}

// FuzzParse: lines of SHOPD_STAFF are taken whole or refused, and what is refused is
// told without its hash.
func FuzzParse(f *testing.F) {
	for _, text := range []string{"ada:manage:" + hash, "ada:admin:" + hash, ":view:" + hash, "a:b", "ada:view:" + hash + "\nada:manage:" + hash, "\n \n", "a\x00b:view:" + hash, "x:view:$2a$31$" + hash[7:]} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		members, err := team.Parse(text)
		if err != nil {
			for line := range strings.SplitSeq(text, "\n") {
				if parts := strings.SplitN(strings.TrimSpace(line), ":", 3); len(parts) == 3 && len(parts[2]) > 20 && strings.Contains(err.Error(), parts[2]) {
					t.Errorf("the error shows a hash: %v", err)
				}
			}
			return
		}
		for name, m := range members {
			if name == "" || name != m.Name || m.Role != permission.View && m.Role != permission.Manage || !strings.Contains(text, name+":") {
				t.Errorf("%q became %q %+v", text, name, m.Staff)
			}
		}
	})
}

package main

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

// root is the repository, where compose.yaml is.
const root = "../.."

// composeFile is what these tests read of compose.yaml.
type composeFile struct {
	Services map[string]composeService
	Volumes  map[string]any
}

type composeService struct {
	Profiles, Ports, Command []string
	Volumes                  []string
	Build                    any // nil: none
	Image                    string
	Environment              map[string]string
	Networks                 yaml.Node
	ReadOnly                 bool          `yaml:"read_only"`
	CapDrop                  []string      `yaml:"cap_drop"`
	SecurityOpt              []string      `yaml:"security_opt"`
	StopGracePeriod          time.Duration `yaml:"stop_grace_period"`
}

// composeNetwork is how a service is in a network.
type composeNetwork struct {
	Address netip.Addr `yaml:"ipv4_address"`
	Aliases []string
}

// networks of a service, which may be listed or mapped; none is the default one.
func (s composeService) networks(t *testing.T) map[string]composeNetwork {
	t.Helper()
	in := map[string]composeNetwork{}
	var names []string
	switch s.Networks.Kind {
	case yaml.SequenceNode:
		if err := s.Networks.Decode(&names); err != nil {
			t.Fatal(err)
		}
	case yaml.MappingNode:
		if err := s.Networks.Decode(&in); err != nil {
			t.Fatal(err)
		}
	default:
		names = []string{"default"}
	}
	for _, name := range names {
		in[name] = composeNetwork{}
	}
	return in
}

// serves tells whether the service is shopd serve.
func (s composeService) serves() bool { return s.Build != nil && len(s.Command) == 0 }

// readCompose reads compose.yaml as with no environment, and the services that each
// profile starts.
func readCompose(t *testing.T) (file composeFile, profiles map[string]map[string]composeService) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "compose.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	text = regexp.MustCompile(`\$\{\w+:-([^}]*)\}`).ReplaceAll(text, []byte("$1"))
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	profiles = map[string]map[string]composeService{}
	for name, s := range file.Services {
		if len(s.Profiles) == 0 {
			t.Errorf("%s has no profile: it would start in each of them", name)
		}
		for _, p := range s.Profiles {
			if profiles[p] == nil {
				profiles[p] = map[string]composeService{}
			}
			profiles[p][name] = s
		}
	}
	return file, profiles
}

// Each profile of compose.yaml has its shops, and no service is open to the world or may
// do more than it needs. Whether the file is whole docker compose config says, in CI.
func TestComposeProfiles(t *testing.T) {
	file, profiles := readCompose(t)
	kept := map[string]bool{} // volumes of PostgreSQL
	for name, want := range map[string]struct{ shops, databases int }{"single": {1, 1}, "scale": {3, 2}, "cluster": {3, 1}} {
		shops, databases := 0, 0
		for of, s := range profiles[name] {
			if s.serves() {
				shops++
			}
			if s.Image != "postgres:17" {
				continue
			}
			databases++
			volume, at, _ := strings.Cut(s.Volumes[0], ":")
			if kept[volume] = true; at != "/var/lib/postgresql/data" || volume != of {
				t.Errorf("%s keeps its data in %s", of, s.Volumes[0])
			}
		}
		if shops != want.shops || databases != want.databases {
			t.Errorf("profile %s has %d shops and %d PostgreSQL, want %+v", name, shops, databases, want)
		}
	}
	for volume := range kept {
		if _, there := file.Volumes[volume]; !there {
			t.Errorf("there is no volume %s", volume)
		}
	}
	env, err := os.ReadFile(filepath.Join(root, ".env"))
	if err != nil || !strings.Contains(string(env), "\nCOMPOSE_PROFILES=single\n") {
		t.Errorf(".env does not choose the profile single: %v\n%s", err, env)
	}
	for name, s := range file.Services {
		for _, port := range s.Ports {
			if !strings.HasPrefix(port, "127.0.0.1:") {
				t.Errorf("%s publishes %s to the world", name, port)
			}
		}
		locked := s.ReadOnly && slices.Contains(s.CapDrop, "ALL") && slices.Contains(s.SecurityOpt, "no-new-privileges:true")
		if !locked && name != "redis" { // whose image gives up its rights by itself
			t.Errorf("%s may write its root or gain rights", name)
		}
	}
}

// The settings that compose.yaml gives to shopd exist, and shopd starts with them.
func TestComposeSettings(t *testing.T) {
	file, _ := readCompose(t)
	for name, s := range file.Services {
		if s.Build == nil {
			continue
		}
		t.Run(name, func(t *testing.T) {
			called := "serve"
			if len(s.Command) > 0 {
				called = s.Command[0]
			}
			c := commands[slices.IndexFunc(commands, func(c command) bool { return c.name == called })]
			known := map[string]bool{}
			for _, setting := range settingsOf(c) {
				known[setting.variable()] = true
			}
			for variable := range s.Environment {
				if !known[variable] {
					t.Errorf("%s is no setting of shopd %s", variable, called)
				}
			}
			if called == "serve" { // the files are where the volume has them
				at := strings.TrimSuffix(strings.TrimPrefix(s.Volumes[0], "."), ":ro")
				from, to, _ := strings.Cut(at, ":")
				for _, variable := range []string{"SHOPD_SHOP", "SHOPD_CATALOG"} {
					file, mounted := strings.CutPrefix(s.Environment[variable], to+"/")
					if !mounted {
						t.Errorf("%s is %s, and %s is mounted", variable, s.Environment[variable], to)
					}
					s.Environment[variable] = filepath.Join(root, from, file)
				}
			}
			e, err := parsed(t, called, s.Environment)
			if err != nil {
				t.Fatal(err)
			}
			if called != "serve" {
				return
			}
			v, err := validated(e)
			if err != nil {
				t.Error(err)
			}
			// Requests under way get 25 s after the drain, the loops a little more.
			if least := v.Drain + 30*time.Second; s.StopGracePeriod < least {
				t.Errorf("is killed after %s, stopping may take %s", s.StopGracePeriod, least)
			}
		})
	}
}

// Names and addresses that configurations repeat are those of compose.yaml.
func TestComposeNames(t *testing.T) {
	_, profiles := readCompose(t)
	read := func(path string) string {
		t.Helper()
		b, err := os.ReadFile(filepath.Join(root, path))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	balancer, sentinel := read("deploy/haproxy/haproxy.cfg"), read("deploy/redis/sentinel.conf")
	names, addresses := regexp.MustCompile(`shopd-\d`), regexp.MustCompile(`10\.\d+\.\d+\.\d+`)
	for _, profile := range []string{"scale", "cluster"} {
		shops, hosts := map[string]bool{}, map[string]bool{}
		for _, s := range profiles[profile] {
			for _, in := range s.networks(t) {
				for _, alias := range in.Aliases {
					shops[alias] = true
				}
				hosts[in.Address.String()] = true
			}
		}
		for _, name := range names.FindAllString(balancer, -1) {
			if !shops[name] {
				t.Errorf("%s: the load balancer sends to %s, which nobody is", profile, name)
			}
		}
		for name := range shops {
			if n := strings.Count(balancer, fmt.Sprintf("server %s %[1]s:8080", name)); n != 2 {
				t.Errorf("%s: the load balancer has %s in %d backends, want 2", profile, name, n)
			}
		}
		said := ""
		for _, s := range profiles[profile] {
			said += s.Environment["SHOPD_REDIS_URL"] + " " + strings.Join(s.Command, " ") + "\n"
		}
		if profile == "scale" {
			said += sentinel
		}
		for _, address := range addresses.FindAllString(said, -1) {
			if !hosts[address] {
				t.Errorf("%s: %s is nobody's address", profile, address)
			}
		}
	}
}

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"time"
)

// growthStart is what a shop costs that has just been started, and what there is to
// install.
type growthStart struct {
	Starts int `json:"starts"` // of each, in turns
	// From starting the program to its line that says where it listens, and to its
	// first answer, 200 to /readyz: in medians, against a web server that only says hello.
	ToReadyLine float64   `json:"to_ready_line_ratio"`
	ToReadyz    float64   `json:"to_readyz_ratio"`
	AfterStart  footprint `json:"after_start"`
	// HelloRSS is the resident memory of the server that only says hello.
	HelloRSS  int64     `json:"hello_rss_bytes"`
	Requests  int       `json:"requests"`
	AfterLoad footprint `json:"after_requests"` // at rest again

	// InitBytes is what the program allocates before its main function.
	InitBytes int64 `json:"allocated_before_main_bytes"`

	Binary       int64 `json:"binary_bytes"`       // go build
	ImageBinary  int64 `json:"image_binary_bytes"` // as the Dockerfile builds it
	Certificates int64 `json:"certificates_bytes"` // the other file in the image that has a size
	Image        int64 `json:"image_bytes"`        // the sum, unpacked
	HelloBinary  int64 `json:"hello_binary_bytes"` // the server that only says hello
}

// measureStart starts shops and hello servers in turns, and measures the last shop at
// rest and after requests.
func measureStart(ctx context.Context, r *rig, at stores, klarna string, starts, requests int) (g growthStart, err error) {
	hello := filepath.Join(r.dir, "hello")
	if err := goBuild(ctx, "tools/bench", nil, "-o", hello, "./hello"); err != nil {
		return g, err
	}
	var lines, answers [2][]time.Duration
	var shop *process
	c := newClient(1)
	for i := range starts {
		for k := range 2 {
			p, line, first, err := timeStart(ctx, r, []string{hello, ""}[(i+k)%2], at, klarna)
			if err != nil {
				return g, err
			}
			which := (i + k) % 2
			lines[which], answers[which] = append(lines[which], line), append(answers[which], first)
			if which == 0 {
				if g.HelloRSS, err = rss(p.pid()); err != nil {
					return g, err
				}
			}
			if which == 1 && i == starts-1 {
				shop = p
			} else {
				p.kill()
			}
		}
	}
	g.Starts, g.Requests = starts, requests
	g.ToReadyLine, g.ToReadyz = medianRatio(lines[1], lines[0]), medianRatio(answers[1], answers[0])
	if g.AfterStart, err = footprintOf(ctx, c, shop); err != nil {
		return g, err
	}
	if err := browse(ctx, c, shop, requests); err != nil {
		return g, err
	}
	if g.AfterLoad, err = footprintOf(ctx, c, shop); err != nil {
		return g, err
	}
	shop.kill()
	if g.InitBytes, err = allocatedBeforeMain(ctx, r.shopdPath); err != nil {
		return g, err
	}
	g.Binary, g.HelloBinary = sizeOf(r.shopdPath), sizeOf(hello)
	if g.Binary*g.HelloBinary == 0 {
		return g, errors.New("a binary is gone")
	}
	return g, nil
}

// timeStart starts a program, or with "" a shop, and returns how long it took to its
// ready line and to its first answer.
func timeStart(ctx context.Context, r *rig, path string, at stores, klarna string) (p *process, line, first time.Duration, err error) {
	begin := time.Now()
	name, answers := "ready", "/"
	if path == "" {
		name, answers = "storefront", "/readyz"
		p, err = r.shopd(ctx, at, klarna)
	} else {
		p, err = r.start(ctx, "hello", "ready", nil, path)
	}
	if err != nil {
		return nil, 0, 0, err
	}
	line = time.Since(begin)
	_, err = newClient(1).do(ctx, request{method: http.MethodGet, url: p.ready[name] + answers, status: http.StatusOK})
	return p, line, time.Since(begin), err
}

// browse is a visitor who looks at pages, n times.
func browse(ctx context.Context, c *client, shop *process, n int) error {
	paths := []string{"/", "/cart", "/?q=mug", "/terms"}
	for _, sku := range skus {
		paths = append(paths, "/products/"+sku)
	}
	for i := range n {
		r := request{method: http.MethodGet, url: shop.ready["storefront"] + paths[i%len(paths)], status: http.StatusOK}
		if _, err := c.do(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

func medianRatio(a, b []time.Duration) float64 {
	slices.Sort(a)
	slices.Sort(b)
	return timesOf(a, b, .5)
}

// initBytes finds how much a package has allocated while it was set up.
// Source: pkg.go.dev/runtime, GODEBUG, inittrace.
var initBytes = regexp.MustCompile(`(?m)^init .* (\d+) bytes, \d+ allocs$`)

// allocatedBeforeMain is what all packages of shopd allocate to be set up. Every command
// pays for it, also a health check.
func allocatedBeforeMain(ctx context.Context, path string) (sum int64, err error) {
	cmd := exec.CommandContext(ctx, path, "version")
	cmd.Env = append(os.Environ(), "GODEBUG=inittrace=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("shopd version: %w\n%s", err, out)
	}
	for _, found := range initBytes.FindAllSubmatch(out, -1) {
		n, err := strconv.ParseInt(string(found[1]), 10, 64)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

// dockerBuild finds how the image's binary is built.
var dockerBuild = regexp.MustCompile(`(?m)^RUN (CGO_ENABLED=0) go build (-trimpath) -ldflags="(-s -w)[^"]*" -o /shopd \./cmd/shopd`)

// measureImage builds the binary as the Dockerfile does, and adds up what the image has.
func (g *growthStart) measureImage(ctx context.Context, r *rig) error {
	root, err := projectRoot(ctx)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(root, "Dockerfile")) //nolint:gosec // our own
	if err != nil {
		return err
	}
	flags := dockerBuild.FindStringSubmatch(string(text))
	if flags == nil {
		return errors.New("the Dockerfile builds shopd in a way that the benchmark does not know")
	}
	path := filepath.Join(r.dir, "shopd-image")
	if err := goBuild(ctx, ".", flags[1:2], flags[2], "-ldflags="+flags[3], "-o", path, "./cmd/shopd"); err != nil {
		return err
	}
	g.ImageBinary, g.Certificates = sizeOf(path), sizeOf("/etc/ssl/certs/ca-certificates.crt")
	g.Image = g.ImageBinary + g.Certificates
	return nil
}

// sizeOf is the size of a file in bytes, 0 when there is none.
func sizeOf(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}
